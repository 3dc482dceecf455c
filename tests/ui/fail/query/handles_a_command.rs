use comms::{Failure, command, query};

#[command(name = "orders.place", version = 1, owner = "orders", reply = u32)]
#[derive(Clone)]
struct Place;

#[query]
async fn place(_query: Place) -> Result<u32, Failure> {
    Ok(1)
}

fn main() {}
