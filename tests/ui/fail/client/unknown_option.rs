use comms::client;

#[client(http = contracts::Payments, timout = "5s")]
struct Payments;

fn main() {}
