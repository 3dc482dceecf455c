use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders", staus = 201)]
    async fn find(&self) {}
}

fn main() {}
