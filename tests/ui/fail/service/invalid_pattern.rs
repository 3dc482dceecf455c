use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders.x*"))]
struct Billing;

fn main() {}
