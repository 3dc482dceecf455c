use comms::{command, event_handler};

#[command(name = "orders.place", version = 1, owner = "orders", reply = u32)]
#[derive(Clone)]
struct Place;

#[event_handler]
async fn on_place(_command: Place) {}

fn main() {}
