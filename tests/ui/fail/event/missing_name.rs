use comms::event;

#[event(version = 1, topic = "orders")]
struct Placed;

fn main() {}
