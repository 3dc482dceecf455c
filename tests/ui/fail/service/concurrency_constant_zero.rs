use comms::service;

const MEMBERS: usize = 0;

#[service(name = "billing", version = "1.0.0", subscribe("orders", concurrency = MEMBERS))]
struct Billing;

const _: comms::handler::ServiceDecl = <Billing as comms::Service>::DECL;

fn main() {}
