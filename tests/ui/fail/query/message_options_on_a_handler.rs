use comms::{Failure, query};

#[query(name = "orders.get", version = 1, owner = "orders", reply = u32)]
struct Get;

#[query(name = "orders.get")]
async fn get(_query: Get) -> Result<u32, Failure> {
    Ok(1)
}

fn main() {}
