use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders", codec = "jsn")]
struct Placed;

fn main() {}
