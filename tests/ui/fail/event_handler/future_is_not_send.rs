use comms::{event, event_handler};

#[event(name = "orders.placed", version = 1, topic = "orders")]
#[derive(Clone)]
struct Placed;

#[event_handler]
async fn on_placed(_event: Placed) {
    let held = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(held);
}

fn main() {}
