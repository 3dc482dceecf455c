use comms::service;

#[service(name = "billing", version = "1.0.0", limit = 10)]
struct Billing;

fn main() {}
