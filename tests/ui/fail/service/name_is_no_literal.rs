use comms::service;

#[service(name = env!("CARGO_PKG_NAME"), version = "1.0.0")]
struct Billing;

fn main() {}
