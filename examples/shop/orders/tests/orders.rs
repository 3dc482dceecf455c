//! The service `orders`, as its wiring starts it, on a memory broker.

use comms::CallError;
use comms::grpc::{Code, GrpcError};
use comms::http::StatusCode;
use comms::testing::TestApp;
use shop_contracts::proto::shop::inventory::v1::{InventoryFake, Released, Reservation};
use shop_contracts::{
    GetOrder, InvoiceIssued, Order, OrderPlaced, OrderShipped, OrderStatus, PaymentFailed, PlaceOrder, PlaceOrderError, UnknownOrder,
};
use shop_orders::Inventory;

/// The service, with an inventory that has everything, at 990 each.
async fn start() -> TestApp {
    with(&plenty()).await
}

fn plenty() -> InventoryFake {
    let inventory = InventoryFake::default();
    inventory.reserve().always(|request| Ok(Reservation { total_cents: 990 * u64::from(request.quantity) }));
    inventory.release().always(|_| Ok(Released { quantity: 1 }));
    inventory
}

async fn with(inventory: &InventoryFake) -> TestApp {
    TestApp::of::<shop_orders::Wiring>().fake::<Inventory>(inventory).start().await.expect("the service starts")
}

fn place(order_id: &str, quantity: u32) -> PlaceOrder {
    PlaceOrder { order_id: order_id.into(), customer: "ada".into(), article: "book".into(), quantity }
}

async fn status(app: &TestApp, order_id: &str) -> OrderStatus {
    app.ask(GetOrder { order_id: order_id.into() }).await.expect("the order exists")
}

#[tokio::test(start_paused = true)]
async fn a_placed_order_is_made_known() {
    let app = start().await;
    app.send(place("o-1", 1)).await.expect("the order is accepted");
    app.assert_published(&OrderPlaced { order_id: "o-1".into(), customer: "ada".into(), total_cents: 990 });
    assert_eq!(status(&app, "o-1").await, OrderStatus::Placed);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_placed_twice_is_one_order() {
    let app = start().await;
    for _ in 0..2 {
        app.send(place("o-1", 1)).await.expect("the order is accepted");
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
    app.send(place("o-1", 1)).await.expect("the order is accepted");
    let invoice = InvoiceIssued { invoice: 1, order_id: "o-1".into(), customer: "ada".into(), total_cents: 990 };
    app.publish(&invoice).await.expect("the event is published");
    app.assert_published(&OrderShipped { order_id: "o-1".into(), customer: "ada".into() });
    assert_eq!(status(&app, "o-1").await, OrderStatus::Shipped);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_paid_is_cancelled_and_its_articles_go_back() {
    let inventory = plenty();
    let app = with(&inventory).await;
    app.send(place("o-1", 1)).await.expect("the order is accepted");
    let failed = PaymentFailed { order_id: "o-1".into(), customer: "ada".into(), reason: "the card was declined".into() };
    app.publish(&failed).await.expect("the event is published");
    assert_eq!(status(&app, "o-1").await, OrderStatus::Cancelled);
    assert_eq!(inventory.release().calls()[0].order_id, "o-1");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_nobody_placed_is_unknown() {
    let answer = start().await.ask(GetOrder { order_id: "o-9".into() }).await;
    assert!(matches!(&answer, Err(CallError::Refused(UnknownOrder { order_id })) if order_id == "o-9"), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_over_http() {
    let app = start().await;
    let placed = app.http().post("/orders").json(&place("o-1", 2)).send().await;
    assert_eq!((placed.status, placed.json::<Order>().status), (201, OrderStatus::Placed));
    app.assert_published(&OrderPlaced { order_id: "o-1".into(), customer: "ada".into(), total_cents: 1_980 });
    assert_eq!(app.http().get("/orders/o-1").send().await.json::<Order>().order_id, "o-1");
    let unknown = app.http().get("/orders/o-9").send().await;
    assert_eq!((unknown.status, unknown.problem().code_text()), (404, Some("unknown-order")));
    let empty = app.http().post("/orders").json(&place("o-2", 0)).send().await;
    assert_eq!((empty.status, empty.problem().code_text()), (422, Some("empty")));
}

#[tokio::test(start_paused = true)]
async fn what_the_inventory_does_not_have_is_refused_and_nobody_hears_of_it() {
    let inventory = InventoryFake::default();
    inventory.reserve().answers(Err(GrpcError::new(Code::FailedPrecondition, "of `book` there are 0 left")));
    let app = with(&inventory).await;
    let refused = app.http().post("/orders").json(&place("o-1", 1)).send().await;
    assert_eq!((refused.status, refused.problem().detail_text()), (409, Some("of `book` there are 0 left")));
    assert_eq!(app.published::<OrderPlaced>(), []);
}

#[tokio::test(start_paused = true)]
async fn an_inventory_that_does_not_answer_is_no_refusal_and_the_order_can_be_placed_again() {
    let inventory = plenty();
    inventory.reserve().answers(Err(GrpcError::new(Code::Unavailable, "away"))).never_answers();
    let app = with(&inventory).await;
    for _ in 0..2 {
        let later = app.http().post("/orders").json(&place("o-1", 1)).send().await;
        assert_eq!(later.status, StatusCode::SERVICE_UNAVAILABLE.as_u16(), "{:?}", later.problem());
    }
    assert_eq!(app.http().post("/orders").json(&place("o-1", 1)).send().await.status, 201);
    assert_eq!(app.published::<OrderPlaced>().len(), 1);
}
