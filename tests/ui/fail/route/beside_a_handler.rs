use comms::{get, query, service};

#[query(name = "shop.find", version = 1, owner = "shop")]
struct Find;

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    #[query]
    async fn find(&self, query: Find) {
        let _ = query;
    }
}

fn main() {}
