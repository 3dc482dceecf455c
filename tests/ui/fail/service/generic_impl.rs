use comms::service;

struct Billing<T>(T);

#[service]
impl<T> Billing<T> {}

fn main() {}
