use comms::{rpc, service};

trait Inventory {
    type Error;
    async fn reserve(&self, quantity: u32) -> Result<u32, Self::Error>;
}

#[service(name = "stock", version = "1.0.0")]
struct Stock;

#[service]
impl Inventory for Stock {
    #[rpc(timeout = "2s")]
    type Error = String;

    #[rpc(timeout = "2s")]
    async fn helper(quantity: u32) -> u32 {
        quantity
    }

    async fn reserve(&self, quantity: u32) -> Result<u32, String> {
        Ok(quantity)
    }
}

fn main() {}
