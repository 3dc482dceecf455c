use comms::{post, service};

struct NewOrder;

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[post("/orders")]
    async fn place(&self, order: NewOrder) {
        let _ = order;
    }
}

fn main() {}
