use comms::{event, event_handler};

#[event(name = "orders.paid", version = 1, topic = "orders")]
pub struct Paid {
    pub cents: u64,
}

#[event_handler(service = "billing", exactly_once)]
pub async fn on_paid(_event: Paid) {}

#[event_handler(service = "billing", transactional = true)]
pub async fn on_paid_again(_event: Paid) {}

fn main() {}
