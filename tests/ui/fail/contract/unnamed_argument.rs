use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    async fn list(&self, #[query] _: u64) -> Vec<u64>;
}

fn main() {}
