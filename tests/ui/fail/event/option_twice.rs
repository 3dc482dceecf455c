use comms::event;

#[event(name = "orders.placed", version = 1, version = 2, topic = "orders")]
struct Placed;

fn main() {}
