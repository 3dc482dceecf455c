use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    async fn find(&self, (from, to): (u32, u32)) {
        let _ = (from, to);
    }
}

fn main() {}
