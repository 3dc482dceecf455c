use comms::command;

#[command(name = "orders.place", version = 1)]
struct Place;

fn main() {}
