use comms::event_handler;

#[event_handler]
struct Placed;

fn main() {}
