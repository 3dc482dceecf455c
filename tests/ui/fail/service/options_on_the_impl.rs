use comms::{event, event_handler, service};

#[service(name = "billing", version = "1.0.0")]
struct Billing;

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

#[service(name = "billing")]
impl Billing {
    #[event_handler]
    async fn on_placed(&self, _event: Placed) {}
}

fn main() {}
