use comms::service;

#[service(name = "billing", version = "1")]
struct Billing;

fn main() {}
