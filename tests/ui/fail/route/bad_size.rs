use comms::{put, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[put("/orders", limit(body = "64kB"))]
    async fn find(&self) {}
}

fn main() {}
