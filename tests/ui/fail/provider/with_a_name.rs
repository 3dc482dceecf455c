use comms::provider;

#[provider(name = "invoices")]
fn invoices() -> u32 {
    1
}

fn main() {}
