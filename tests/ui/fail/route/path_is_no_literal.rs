use comms::{get, service};

const ORDERS: &str = "/orders";

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get(ORDERS, status = 200)]
    async fn find(&self) {}
}

fn main() {}
