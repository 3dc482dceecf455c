use comms::{get, rpc, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges/{id}")]
    #[rpc(timeout = "2s")]
    async fn find(&self, id: u64) -> u64;
}

fn main() {}
