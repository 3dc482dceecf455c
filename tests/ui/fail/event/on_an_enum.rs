use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders")]
enum Placed {
    Online,
}

fn main() {}
