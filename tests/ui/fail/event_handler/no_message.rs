use comms::event_handler;

#[event_handler]
async fn on_placed() {}

fn main() {}
