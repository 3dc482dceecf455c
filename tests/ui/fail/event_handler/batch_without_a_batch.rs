use comms::{event, event_handler};

#[event(name = "billing.paid", version = 1, topic = "payments")]
pub struct Paid {
    pub cents: u64,
}

#[event_handler(service = "billing", batch(max = 5))]
pub async fn on_paid(event: Paid) {
    drop(event);
}

fn main() {}
