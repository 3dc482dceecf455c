use comms::provider;

#[provider]
async fn invoices() {}

fn main() {}
