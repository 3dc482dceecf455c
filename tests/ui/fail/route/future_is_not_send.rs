use comms::{get, service};

use std::rc::Rc;

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    async fn find(&self) -> usize {
        let count = Rc::new(1);
        std::future::ready(()).await;
        *count
    }
}

fn main() {}
