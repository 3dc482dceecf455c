use comms::client;

#[client(http = contracts::Payments)]
fn payments() {}

fn main() {}
