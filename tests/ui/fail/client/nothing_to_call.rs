use comms::client;

#[client]
struct Payments;

fn main() {}
