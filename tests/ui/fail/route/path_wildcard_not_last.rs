use comms::{get, service};

#[service(name = "shop", version = "1.0.0")]
struct Shop;

#[service]
impl Shop {
    #[get("/files/{*name}/size")]
    async fn find(&self, name: String) {
        let _ = name;
    }
}

fn main() {}
