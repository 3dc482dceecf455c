use comms::handler;

struct X(handler!("billing"));

fn main() {}
