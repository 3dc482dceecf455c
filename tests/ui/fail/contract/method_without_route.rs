use comms::{service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    async fn charge_card(&self, cents: u64);
}

fn main() {}
