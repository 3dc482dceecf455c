use comms::client;

#[client(url = "https://api.pay.example")]
struct Payments;

fn main() {}
