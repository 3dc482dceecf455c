//! The load generator, as its wiring starts it, against orders that are played.

use std::time::Duration;

use comms::testing::TestApp;
use shop_contracts::orders::OrdersApiFake;
use shop_contracts::{Order, OrderStatus, PlaceOrderError};
use shop_loadgen::Orders;

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_each_second_and_again_when_it_was_not_accepted() {
    let orders = OrdersApiFake::default();
    orders.place_order().answers(Err(PlaceOrderError::NotAccepted("come again".into())));
    orders.place_order().always(|order| Ok(Order { order_id: order.order_id.clone(), status: OrderStatus::Placed }));
    let app = TestApp::of::<shop_loadgen::Wiring>().fake::<Orders>(&orders).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    app.shutdown().await;
    let ids: Vec<String> = orders.place_order().calls().iter().map(|order| order.order_id.clone()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(ids[0], ids[1], "the refused order comes again");
    assert_ne!(ids[1], ids[2]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_refused_for_good_is_not_placed_again() {
    let orders = OrdersApiFake::default();
    orders.place_order().always(|_| Err(PlaceOrderError::Unavailable("of `unicorn` there are 0 left".into())));
    let app = TestApp::of::<shop_loadgen::Wiring>().fake::<Orders>(&orders).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    app.shutdown().await;
    let mut ids: Vec<String> = orders.place_order().calls().iter().map(|order| order.order_id.clone()).collect();
    ids.dedup();
    assert_eq!((ids.len(), orders.place_order().calls().len()), (3, 3));
}
