use comms::{get, service};

struct NotAnError;

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/orders")]
    async fn find(&self) -> Result<u8, NotAnError> {
        Err(NotAnError)
    }
}

fn main() {}
