use comms::{Failure, command, service};

#[command(name = "orders.place", version = 1, owner = "orders", reply = u32)]
#[derive(Clone)]
struct Place;

#[service(name = "billing", version = "1.0.0")]
struct Billing;

#[service]
impl Billing {
    #[command]
    async fn place(&self, _command: Place) -> Result<u32, Failure> {
        Ok(1)
    }

    #[command]
    async fn again(&self, _command: Place) -> Result<u32, Failure> {
        Ok(2)
    }
}

fn main() {}
