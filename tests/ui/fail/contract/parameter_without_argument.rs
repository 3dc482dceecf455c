use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges/{charge_id}")]
    async fn find(&self, charge: u64) -> u64;
}

fn main() {}
