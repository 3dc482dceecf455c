use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders"), subscribe("orders", group = "billing"))]
struct Billing;

fn main() {}
