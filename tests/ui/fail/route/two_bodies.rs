use comms::{post, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[post("/orders")]
    async fn find(&self, order: String, tenant: String) {
        let _ = (order, tenant);
    }
}

fn main() {}
