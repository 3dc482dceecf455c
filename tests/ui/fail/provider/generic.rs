use comms::provider;

#[provider]
fn invoices<T: Default>() -> T {
    T::default()
}

fn main() {}
