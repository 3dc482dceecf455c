use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders", key = id)]
struct Placed {
    #[cfg(unix)]
    id: u64,
}

fn main() {}
