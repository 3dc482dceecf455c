use comms::provider;

struct Broken;

#[provider]
async fn invoices() -> Result<u32, Broken> {
    Ok(1)
}

fn main() {}
