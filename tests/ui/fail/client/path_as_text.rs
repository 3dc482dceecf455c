use comms::client;

#[client(http = "contracts::Payments")]
struct Payments;

fn main() {}
