use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders", status = "201 Created")]
    async fn find(&self) {}
}

fn main() {}
