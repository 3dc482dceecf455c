use comms::event;

#[event(name = "orders.placed", vresion = 1, version = 1, topic = "orders")]
struct Placed;

fn main() {}
