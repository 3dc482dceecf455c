use comms::{get, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[get("/charges")]
    fn list(&self) -> Vec<u64>;
}

fn main() {}
