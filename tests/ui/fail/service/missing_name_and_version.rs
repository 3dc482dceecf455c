use comms::service;

#[service]
struct Billing;

fn main() {}
