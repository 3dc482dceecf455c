use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders", throttle = "100 per second"))]
struct Billing;

fn main() {}
