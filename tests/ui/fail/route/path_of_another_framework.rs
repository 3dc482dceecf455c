use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders/:id")]
    async fn find(&self, id: u32) {
        let _ = id;
    }
}

fn main() {}
