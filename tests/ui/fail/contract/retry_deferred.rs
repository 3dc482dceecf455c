use comms::{post, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[post("/charges", retry(max = 3), circuit_breaker)]
    async fn charge(&self, cents: u64);
}

fn main() {}
