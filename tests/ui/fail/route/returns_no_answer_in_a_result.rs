use comms::{get, service};

struct Order;

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    async fn find(&self) -> Result<Order, String> {
        Ok(Order)
    }
}

fn main() {}
