use comms::saga;

#[saga]
impl Fulfilment {}

struct Fulfilment;

fn main() {}
