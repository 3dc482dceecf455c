use comms::{get, post, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders/{id}", staus = 200, timeout = 5)]
    fn find(&mut self, order: u32, #[body] filter: String) {
        let _ = (order, filter);
    }

    #[post("orders", status = 600)]
    async fn place(&self) {}
}

fn main() {}
