use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

#[event(name = "orders.paid", version = 1, topic = "orders")]
#[derive(Clone)]
struct Paid;

#[event_handler]
async fn on_placed(_event: Placed, _other: Paid) {}

fn main() {}
