use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges/{id}")]
    async fn find(&self, id: u64) -> u64;
}

#[service(name = "bank", version = "1.0.0")]
struct Bank;

#[service]
impl Payments for Bank {
    #[get("/charges/{id}")]
    async fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
