use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders", key = lines)]
struct Placed {
    lines: Vec<u32>,
}

fn main() {}
