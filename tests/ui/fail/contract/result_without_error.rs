use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    async fn list(&self) -> std::io::Result<Vec<u64>>;
}

fn main() {}
