use comms::service;

#[service(name = "billing", version = "1.0.0")]
struct Billing(u32);

fn main() {}
