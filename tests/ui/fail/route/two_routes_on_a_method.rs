use comms::{get, post, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    #[post("/orders/search")]
    async fn find(&self) {}
}

fn main() {}
