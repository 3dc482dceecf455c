use comms::event;

#[event(name = "orders.placed", version = 1, topic = "Orders!")]
struct Placed;

fn main() {}
