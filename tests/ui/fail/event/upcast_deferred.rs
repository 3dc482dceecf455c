use comms::event;

#[event(name = "orders.placed", version = 2, topic = "orders", upcast = from_v1)]
struct Placed;

fn main() {}
