use comms::post;

#[post("/orders")]
struct Order;

fn main() {}
