//! Every attribute with its shortest options.

use comms::{Failure, command, delete, event, event_handler, get, patch, post, provider, put, query, service};

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

    #[get("/orders/{id}")]
    async fn find(&self, id: u64) -> u64 {
        id
    }

    #[post("/orders")]
    async fn add(&self, _order: u64) {}

    #[put("/orders/{id}")]
    async fn change(&self, id: u64, _order: u64) -> Result<u64, Failure> {
        Ok(id)
    }

    #[patch("/orders/{id}")]
    async fn mend(&self, id: u64) -> Result<(), Failure> {
        Err(Failure::of(format!("{id} is whole")))
    }

    #[delete("/orders/{id}")]
    async fn remove(&self, id: u64, #[query] _force: Option<bool>) {
        let _ = id;
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
