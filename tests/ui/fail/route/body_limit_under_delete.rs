use comms::{delete, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[delete("/orders", limit(body = "1KiB"))]
    async fn find(&self) {}
}

fn main() {}
