//! The service `orders`, as its wiring starts it, on a memory broker.

use comms::CallError;
use comms::testing::TestApp;
use shop_contracts::{
    GetOrder, InvoiceIssued, OrderPlaced, OrderShipped, OrderStatus, PaymentFailed, PlaceOrder, PlaceOrderError, UnknownOrder,
};

async fn start() -> TestApp {
    TestApp::of::<shop_orders::Wiring>().start().await.expect("the service starts")
}

fn place(order_id: &str, total_cents: u64) -> PlaceOrder {
    PlaceOrder { order_id: order_id.into(), customer: "ada".into(), total_cents }
}

async fn status(app: &TestApp, order_id: &str) -> OrderStatus {
    app.ask(GetOrder { order_id: order_id.into() }).await.expect("the order exists")
}

#[tokio::test(start_paused = true)]
async fn a_placed_order_is_made_known() {
    let app = start().await;
    app.send(place("o-1", 990)).await.expect("the order is accepted");
    app.assert_published(&OrderPlaced { order_id: "o-1".into(), customer: "ada".into(), total_cents: 990 });
    assert_eq!(status(&app, "o-1").await, OrderStatus::Placed);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_placed_twice_is_one_order() {
    let app = start().await;
    for _ in 0..2 {
        app.send(place("o-1", 990)).await.expect("the order is accepted");
    }
    assert_eq!(app.published::<OrderPlaced>().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_order_of_nothing_is_refused_with_the_reason() {
    let refused = start().await.send(place("o-1", 0)).await;
    assert!(matches!(refused, Err(CallError::Refused(PlaceOrderError::Empty))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_paid_is_shipped() {
    let app = start().await;
    app.send(place("o-1", 990)).await.expect("the order is accepted");
    let invoice = InvoiceIssued { invoice: 1, order_id: "o-1".into(), customer: "ada".into(), total_cents: 990 };
    app.publish(&invoice).await.expect("the event is published");
    app.assert_published(&OrderShipped { order_id: "o-1".into(), customer: "ada".into() });
    assert_eq!(status(&app, "o-1").await, OrderStatus::Shipped);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_paid_is_cancelled() {
    let app = start().await;
    app.send(place("o-1", 990)).await.expect("the order is accepted");
    let failed = PaymentFailed { order_id: "o-1".into(), customer: "ada".into(), reason: "the card was declined".into() };
    app.publish(&failed).await.expect("the event is published");
    assert_eq!(status(&app, "o-1").await, OrderStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_nobody_placed_is_unknown() {
    let answer = start().await.ask(GetOrder { order_id: "o-9".into() }).await;
    assert!(matches!(&answer, Err(CallError::Refused(UnknownOrder { order_id })) if order_id == "o-9"), "{answer:?}");
}
