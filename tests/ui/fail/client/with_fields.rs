use comms::client;

#[client(http = contracts::Payments)]
struct Payments {
    limit: u64,
}

fn main() {}
