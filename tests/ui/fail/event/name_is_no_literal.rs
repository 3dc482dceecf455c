use comms::event;

const NAME: &str = "orders.placed";

#[event(name = NAME, version = 1, topic = "orders")]
struct Placed;

fn main() {}
