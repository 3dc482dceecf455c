use comms::{authorize, get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    #[authorize(role = "payments:read")]
    async fn list(&self) -> Vec<u64>;
}

fn main() {}
