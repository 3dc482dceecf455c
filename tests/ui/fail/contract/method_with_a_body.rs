use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    async fn list(&self) -> Vec<u64> {
        Vec::new()
    }
}

fn main() {}
