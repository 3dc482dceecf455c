use comms::client;

#[client(http = contracts::Payments, grpc = proto::Payments)]
struct Payments;

fn main() {}
