use comms::event;

#[event]
struct Placed;

fn main() {}
