//! The whole shop in one process, on virtual time: what no service can prove alone.

use std::ops::Deref;

use comms::testing::TestApp;
use shop_billing::PaymentProviderClient;
use shop_contracts::{GetOrder, InvoiceIssued, OrderShipped, OrderStatus, PaymentFailed, PlaceOrder};
use shop_notifications::Mailer;

type Wiring = (shop_orders::Wiring, shop_inventory::Wiring, shop_billing::Wiring, shop_notifications::Wiring);

/// The services of the shop, and the provider, an application of its own. No port is opened: orders call the inventory within the process.
struct Shop {
    app: TestApp,
    _provider: TestApp,
}

impl Deref for Shop {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

async fn start() -> Shop {
    let provider = TestApp::of::<shop_payments::Wiring>().start().await.expect("the provider starts");
    let app = TestApp::of::<Wiring>().client::<PaymentProviderClient>(provider.app().channel()).start().await.expect("the shop starts");
    Shop { app, _provider: provider }
}

fn place(number: u64, customer: &str) -> PlaceOrder {
    PlaceOrder { order_id: format!("o-{number}"), customer: customer.into(), article: "book".into(), quantity: 1 }
}

async fn status(app: &TestApp, number: u64) -> OrderStatus {
    app.ask(GetOrder { order_id: format!("o-{number}") }).await.expect("the order exists")
}

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_billed_shipped_and_mailed() {
    let app = start().await;
    app.send(place(1, "ada")).await.expect("the order is accepted");
    assert_eq!(status(&app, 1).await, OrderStatus::Shipped);
    let mails = app.get::<Mailer>().expect("the shop has a mailer").sent();
    assert_eq!(mails.len(), 2, "an invoice and a shipment: {mails:?}");
}

#[tokio::test(start_paused = true)]
async fn a_declined_payment_cancels_the_order() {
    let app = start().await;
    app.send(place(7, "ada")).await.expect("the order is accepted");
    assert_eq!(status(&app, 7).await, OrderStatus::Cancelled);
    assert_eq!(app.published::<OrderShipped>(), []);
}

#[tokio::test(start_paused = true)]
async fn every_order_ends_in_one_of_three_ways() {
    let app = start().await;
    for number in 1..=100 {
        app.send(place(number, if number % 10 == 9 { "mallory" } else { "ada" })).await.expect("the order is accepted");
    }
    let (shipped, failed) = (app.published::<OrderShipped>().len(), app.published::<PaymentFailed>().len());
    // The orders of mallory are dead letters; of the others each seventh is declined.
    assert_eq!((shipped, failed), (77, 13), "{}", app.story());
    app.assert_dead_lettered("on_order_placed", 10);
    let numbers: Vec<u32> = app.published::<InvoiceIssued>().iter().map(|issued| issued.invoice).collect();
    assert!(numbers.is_sorted(), "the invoices of one customer are counted in order: {numbers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_declined_payment_gives_the_articles_back() {
    let shop = start().await;
    let mut levels = shop.get::<shop_inventory::Shelves>().expect("there are shelves").watch("book").expect("there are books");
    let before = *levels.borrow_and_update();
    let order = PlaceOrder { quantity: 3, ..place(7, "ada") };
    assert_eq!(shop.http().post("/orders").json(&order).send().await.status, 201);
    assert_eq!(*levels.borrow_and_update(), before);
    assert_eq!(shop.http().post("/orders").json(&PlaceOrder { article: "unicorn".into(), ..place(8, "ada") }).send().await.status, 409);
}
