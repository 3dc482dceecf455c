use comms::{patch, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[patch("/orders", limit(body = 65536))]
    async fn find(&self) {}
}

fn main() {}
