use comms::event_handler;

#[event_handler]
async fn on_placed<E: comms::Event>(_event: E) {}

fn main() {}
