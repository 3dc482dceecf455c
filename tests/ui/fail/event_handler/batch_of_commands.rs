use comms::{Batch, Failure, command};

#[command(name = "billing.pay", version = 1, owner = "billing")]
pub struct Pay {
    pub cents: u64,
}

#[command(service = "billing")]
pub async fn pay(batch: Batch<Pay>) -> Result<(), Failure> {
    drop(batch);
    Ok(())
}

fn main() {}
