use comms::service;

#[service(name = "billing", version = "1.0.0")]
struct Billing;

#[service]
impl Billing {
    fn helper(&self) {}
}

fn main() {}
