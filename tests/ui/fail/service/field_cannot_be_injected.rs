use comms::service;

struct Invoices;

#[service(name = "billing", version = "1.0.0")]
struct Billing {
    invoices: Invoices,
}

fn main() {}
