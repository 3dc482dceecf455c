use comms::service;

#[service(name = "billing", version = "1.0.0", ordered)]
struct Billing;

fn main() {}
