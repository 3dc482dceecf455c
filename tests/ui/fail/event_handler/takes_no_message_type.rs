use comms::event_handler;

struct Placed;

#[event_handler]
async fn on_placed(_event: Placed) {}

fn main() {}
