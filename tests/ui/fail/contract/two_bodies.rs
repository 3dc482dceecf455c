use comms::{post, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[post("/charges")]
    async fn charge(&self, card: String, cents: u64);
}

fn main() {}
