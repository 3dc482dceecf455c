//! The service `notifications`, as its wiring starts it, on a memory broker.

use comms::testing::TestApp;
use shop_contracts::{InvoiceIssued, OrderPlaced, OrderShipped, PaymentFailed};
use shop_notifications::{Mail, Mailer};

async fn start() -> TestApp {
    TestApp::of::<shop_notifications::Wiring>().start().await.expect("the service starts")
}

fn sent(app: &TestApp) -> Vec<Mail> {
    app.get::<Mailer>().expect("the service has a mailer").sent()
}

#[tokio::test(start_paused = true)]
async fn one_pattern_brings_the_events_of_every_service() {
    let app = start().await;
    let (order_id, customer) = ("o-1".to_owned(), "ada".to_owned());
    let invoice = InvoiceIssued { invoice: 7, order_id: order_id.clone(), customer: customer.clone(), total_cents: 990 };
    app.publish(&invoice).await.expect("the event is published");
    app.publish(&OrderShipped { order_id: order_id.clone(), customer: customer.clone() }).await.expect("the event is published");
    app.publish(&PaymentFailed { order_id, customer, reason: "the card was declined".into() }).await.expect("the event is published");
    let texts: Vec<String> = sent(&app).into_iter().map(|mail| mail.text).collect();
    assert_eq!(
        texts,
        ["your invoice 7 for the order o-1", "your order o-1 is on its way", "your order o-1 was cancelled: the card was declined"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_it_has_no_handler_for_is_skipped() {
    let app = start().await;
    let placed = OrderPlaced { order_id: "o-1".into(), customer: "ada".into(), total_cents: 990 };
    app.publish(&placed).await.expect("the event is published");
    assert_eq!(sent(&app), []);
}
