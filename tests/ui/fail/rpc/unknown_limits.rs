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

    #[rpc(limit(body = "1KiB", anwser = "1KiB", request = "1 elephant"))]
    async fn reserve(&self, quantity: u32) -> Result<u32, String> {
        Ok(quantity)
    }
}

fn main() {}
