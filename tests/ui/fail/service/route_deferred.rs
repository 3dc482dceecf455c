use comms::service;

#[service(name = "billing", version = "1.0.0")]
struct Billing;

#[service]
impl Billing {
    #[get("/invoices/{id}")]
    async fn invoice(&self, id: u32) {}
}

fn main() {}
