//! The load generator, as its wiring starts it, against an `orders` of its own.

use std::time::Duration;

use comms::testing::TestApp;
use comms::{AppBuilder, command};
use shop_contracts::{PlaceOrder, PlaceOrderError};

type Seen = std::sync::Arc<std::sync::Mutex<Vec<PlaceOrder>>>;

/// Stands in for the real one; wired by hand below, since no build script generates wiring for a test.
#[command(service = "orders")]
async fn place(command: PlaceOrder, seen: Seen) -> Result<(), PlaceOrderError> {
    let mut seen = seen.lock().expect("no test panics while it holds this");
    seen.push(command);
    // The first one has to be placed again.
    if seen.len() == 1 { Err(PlaceOrderError::NotAccepted("come again".into())) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_each_second_and_again_when_it_was_not_accepted() {
    let seen = Seen::default();
    let app = AppBuilder::of::<shop_loadgen::Wiring>().provide(Seen::clone(&seen)).request_function::<comms::handler!(place)>("orders");
    let app = TestApp::with(app).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    app.shutdown().await;
    let ids: Vec<String> = seen.lock().expect("no handler panicked").iter().map(|order| order.order_id.clone()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(ids[0], ids[1], "the refused order comes again");
    assert_ne!(ids[1], ids[2]);
}
