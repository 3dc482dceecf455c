use comms::{post, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[post("/charges", idempotent = true)]
    async fn charge(&self, cents: u64);
}

fn main() {}
