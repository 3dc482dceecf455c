use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders", retry(max = 3))]
    async fn find(&self) {}
}

fn main() {}
