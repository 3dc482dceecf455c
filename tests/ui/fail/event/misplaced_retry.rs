use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders", retry(max = 5))]
struct Placed;

fn main() {}
