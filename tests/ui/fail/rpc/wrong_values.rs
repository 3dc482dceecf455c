use comms::{rpc, service};

trait Inventory {
    type Error;
    async fn reserve(&self, quantity: u32) -> Result<u32, Self::Error>;
}

#[service(name = "stock", version = "1.0.0")]
struct Stock;

#[service]
impl Inventory for Stock {
    type Error = String;

    #[rpc(timeout = 2, limit = "1KiB")]
    async fn reserve(&self, quantity: u32) -> Result<u32, String> {
        Ok(quantity)
    }
}

fn main() {}
