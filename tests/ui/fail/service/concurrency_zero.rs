use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders", concurrency = 0))]
struct Billing;

fn main() {}
