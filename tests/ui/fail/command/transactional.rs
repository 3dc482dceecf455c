use comms::{Failure, command};

#[command(name = "orders.place", version = 1, owner = "orders", reply = u32)]
#[derive(Clone)]
struct Place;

#[command(transactional)]
async fn place(_command: Place) -> Result<u32, Failure> {
    Ok(1)
}

fn main() {}
