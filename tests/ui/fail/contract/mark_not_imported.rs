use comms::service;

#[service(name = "payments", version = "1.0.0")]
pub trait Payments {
    #[post("/charges")]
    async fn charge(&self, cents: u64) -> u64;
}

fn main() {}
