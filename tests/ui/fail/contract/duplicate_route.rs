use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges/{id}")]
    async fn find(&self, id: u64) -> u64;
    #[get("/charges/{charge}")]
    async fn again(&self, charge: u64) -> u64;
}

fn main() {}
