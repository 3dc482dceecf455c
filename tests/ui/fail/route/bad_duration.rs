use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders", timeout = "5 seconds")]
    async fn find(&self) {}
}

fn main() {}
