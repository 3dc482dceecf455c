use comms::command;

struct Orders;

#[command]
impl Orders {}

fn main() {}
