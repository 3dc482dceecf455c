use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders")]
fn placed() {}

fn main() {}
