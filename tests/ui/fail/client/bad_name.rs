use comms::client;

#[client(http = contracts::Payments, name = "Payment API")]
struct Payments;

fn main() {}
