use comms::event;

#[event(name = "orders.placed", version = 0, topic = "orders")]
struct Placed;

fn main() {}
