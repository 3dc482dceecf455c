use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders?page=1")]
    async fn find(&self) {}
}

fn main() {}
