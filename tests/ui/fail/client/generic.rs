use comms::client;

#[client(http = contracts::Payments)]
struct Payments<T>;

fn main() {}
