use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders", from = "earlist"))]
struct Billing;

fn main() {}
