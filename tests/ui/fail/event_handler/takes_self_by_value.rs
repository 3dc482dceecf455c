use comms::{event, event_handler, service};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

#[service(name = "billing", version = "1.0.0")]
struct Billing;

#[service]
impl Billing {
    #[event_handler]
    async fn on_placed(self, _event: Placed) {}
}

fn main() {}
