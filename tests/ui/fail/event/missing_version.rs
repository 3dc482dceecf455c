use comms::event;

#[event(name = "orders.placed", topic = "orders")]
struct Placed;

fn main() {}
