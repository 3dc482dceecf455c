use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe(ordered))]
struct Billing;

fn main() {}
