use comms::{get, service};

#[service(name = "payments", version = "1.0.0", subscribe("orders"), retry(max = 3), authorize)]
trait Payments {
    #[get("/charges")]
    async fn list(&self) -> Vec<u64>;
}

fn main() {}
