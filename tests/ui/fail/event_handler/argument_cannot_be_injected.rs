use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

struct Mailer;

#[event_handler]
async fn on_placed(_event: Placed, _mailer: Mailer) {}

fn main() {}
