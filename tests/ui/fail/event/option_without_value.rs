use comms::event;

#[event(name = "orders.placed", version, topic = "orders")]
struct Placed;

fn main() {}
