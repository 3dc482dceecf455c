use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders")]
struct Placed<T> {
    value: T,
}

fn main() {}
