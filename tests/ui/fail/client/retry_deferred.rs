use comms::client;

#[client(http = contracts::Payments, retry(max = 3), circuit_breaker, balance = "least-loaded")]
struct Payments;

fn main() {}
