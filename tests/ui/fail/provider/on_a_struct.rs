use comms::provider;

#[provider]
struct Invoices;

fn main() {}
