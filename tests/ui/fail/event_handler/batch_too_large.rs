use comms::{Batch, event, event_handler};

#[event(name = "billing.paid", version = 1, topic = "payments")]
pub struct Paid {
    pub cents: u64,
}

#[event_handler(service = "billing", batch(max = 20000, wait = "1s"))]
pub async fn on_paid(batch: Batch<Paid>) {
    drop(batch);
}

fn main() {}
