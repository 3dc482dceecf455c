use comms::service;

#[service(name = "payments", version = "1.0.0")]
trait Payments {}

fn main() {}
