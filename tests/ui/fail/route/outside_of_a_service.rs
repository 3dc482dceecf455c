use comms::get;

struct Shop;

impl Shop {
    #[get("/orders/{id}")]
    async fn find(&self, id: u32, #[header("x-tenant")] tenant: String) {
        let _ = (id, tenant);
    }
}

fn main() {}
