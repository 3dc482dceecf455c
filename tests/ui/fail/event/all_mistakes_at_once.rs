use comms::event;

#[event(nam = "orders.placed", version = 0, topic = "Orders", codec = "xml")]
struct Placed<T> {
    value: T,
}

fn main() {}
