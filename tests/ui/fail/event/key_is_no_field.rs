use comms::event;

#[event(name = "orders.placed", version = 1, topic = "orders", key = oder_id)]
struct Placed {
    order_id: u64,
    total: u64,
}

fn main() {}
