use comms::service;

#[derive(Clone)]
struct Audit;

#[service(name = "billing", version = "1.0.0", layers(Audit))]
struct Billing;

fn main() {}
