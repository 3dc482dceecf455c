use comms::{command, service};

#[service(name = "payments", version = "1.0.0")]
trait Payments {
    #[command]
    async fn charge(&self, cents: u64);
}

fn main() {}
