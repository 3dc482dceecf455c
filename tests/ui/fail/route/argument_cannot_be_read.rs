use comms::{get, service};

struct OrderId(u64);

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders/{id}")]
    async fn find(&self, id: OrderId, page: Option<OrderId>) -> u64 {
        let _ = page;
        id.0
    }
}

fn main() {}
