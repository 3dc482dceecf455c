use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

struct Receipt;

#[event_handler(publishes(Receipt))]
async fn on_placed(_event: Placed) {}

fn main() {}
