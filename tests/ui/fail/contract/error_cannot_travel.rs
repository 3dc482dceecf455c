use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    async fn list(&self) -> Result<Vec<u64>, std::fmt::Error>;
}

fn main() {}
