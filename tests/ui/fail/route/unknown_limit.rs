use comms::{post, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[post("/orders", limit(boddy = "1KiB"))]
    async fn find(&self) {}
}

fn main() {}
