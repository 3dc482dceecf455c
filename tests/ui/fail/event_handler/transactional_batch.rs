use comms::{Batch, event, event_handler};

#[event(name = "orders.paid", version = 1, topic = "orders")]
pub struct Paid {
    pub cents: u64,
}

#[event_handler(service = "billing", transactional)]
pub async fn on_paid(batch: Batch<Paid>) {
    drop(batch);
}

fn main() {}
