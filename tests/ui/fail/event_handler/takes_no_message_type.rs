use comms::event_handler;

struct Placed;

#[event_handler]
async fn on_placed(event: Placed) {}

fn main() {}
