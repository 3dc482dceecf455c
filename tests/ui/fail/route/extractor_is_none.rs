use comms::{get, service};

struct Tenant;

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    async fn list(&self, #[extract] tenant: Tenant) {
        let _ = tenant;
    }
}

fn main() {}
