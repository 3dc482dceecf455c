use comms::client;

#[client(http = contracts::Payments)]
struct Payments;

mod contracts {}

fn main() {}
