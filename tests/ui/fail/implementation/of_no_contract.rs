use comms::{BoxError, service};

#[service(name = "bank", version = "1.0.0")]
struct Bank;

#[service]
impl Clone for Bank {
    fn clone(&self) -> Self {
        Self
    }
}

/// The attribute was forgotten.
trait Payments {
    async fn pay(&self, cents: u64) -> Result<(), BoxError>;
}

#[service]
impl Payments for Bank {
    async fn pay(&self, _: u64) -> Result<(), BoxError> {
        Ok(())
    }
}

fn main() {}
