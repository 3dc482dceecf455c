use comms::provider;

struct Invoices;

#[provider]
fn invoices() -> Invoices {
    Invoices
}

fn main() {}
