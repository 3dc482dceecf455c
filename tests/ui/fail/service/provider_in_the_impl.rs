use comms::{provider, service};

#[service(name = "billing", version = "1.0.0")]
struct Billing;

#[service]
impl Billing {
    #[provider]
    fn invoices(&self) -> u32 {
        1
    }
}

fn main() {}
