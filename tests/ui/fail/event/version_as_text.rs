use comms::event;

#[event(name = "orders.placed", version = "1", topic = "orders")]
struct Placed;

fn main() {}
