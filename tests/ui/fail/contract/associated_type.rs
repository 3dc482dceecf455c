use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    type Charge;
    #[get("/charges")]
    async fn list(&self) -> Vec<u64>;
}

fn main() {}
