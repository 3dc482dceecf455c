use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders", ordered(after = "park")))]
struct Billing;

fn main() {}
