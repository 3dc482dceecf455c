use comms::service;

#[service(name = "billing", version = "1.0.0", throttle = "100/s", subscribe("orders"))]
struct Billing;

fn main() {}
