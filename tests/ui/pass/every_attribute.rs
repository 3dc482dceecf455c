//! Every attribute with its shortest options.

use comms::{Failure, command, event, event_handler, provider, query, service};

#[event(name = "orders.placed", version = 1, topic = "orders")]
struct Placed;

#[command(name = "orders.place", version = 1, owner = "orders")]
struct Place;

#[query(name = "orders.count", version = 1, owner = "orders", reply = u64)]
struct Count;

#[service(name = "orders", version = "1.0.0")]
struct Orders {}

#[service]
impl Orders {
    #[event_handler]
    async fn on_placed(&self, _: Placed) {}

    #[command]
    async fn place(&self, _command: Place) -> Result<(), Failure> {
        Ok(())
    }

    #[query]
    async fn count(&self, Count: Count) -> Result<u64, Failure> {
        Ok(0)
    }
}

#[event_handler]
async fn on_placed(_: Placed, _clock: Clock) {}

#[derive(Clone)]
struct Clock;

#[provider]
fn clock() -> Clock {
    Clock
}

fn main() {}
