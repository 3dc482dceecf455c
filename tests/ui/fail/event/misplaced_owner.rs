use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders", owner = "orders")]
struct Placed;

fn main() {}
