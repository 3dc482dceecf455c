use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

struct Broken;

#[event_handler]
async fn on_placed(_event: Placed) -> Result<(), Broken> {
    Ok(())
}

fn main() {}
