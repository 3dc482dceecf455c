use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    const ORDERS: u8 = 1;
}

fn main() {}
