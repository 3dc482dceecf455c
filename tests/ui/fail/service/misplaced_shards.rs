use comms::service;

#[service(name = "billing", version = "1.0.0", subscribe("orders", shards = 4))]
struct Billing;

fn main() {}
