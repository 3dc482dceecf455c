use comms::{get, service};

#[service]
trait Payments {
    #[get("/charges")]
    async fn list(&self) -> Vec<u64>;
}

fn main() {}
