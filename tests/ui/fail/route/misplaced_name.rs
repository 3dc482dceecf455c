use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders", name = "list", publishes(Placed))]
    async fn find(&self) {}
}

fn main() {}
