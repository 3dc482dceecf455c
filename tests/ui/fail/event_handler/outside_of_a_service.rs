use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

struct Billing;

impl Billing {
    #[event_handler]
    async fn on_placed(&self, _event: Placed) {}
}

fn main() {}
