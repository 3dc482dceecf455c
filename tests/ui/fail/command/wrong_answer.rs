use comms::{Failure, command};

#[command(name = "orders.place", version = 1, owner = "orders", reply = u32)]
#[derive(Clone)]
struct Place;

#[command]
async fn place(_command: Place) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
