use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

#[event_handler]
fn on_placed(_event: Placed) {}

fn main() {}
