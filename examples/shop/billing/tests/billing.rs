//! The service `billing`, as its wiring starts it, on a memory broker. Time is virtual: retries take none.

use std::sync::atomic::{AtomicU32, Ordering};

use comms::testing::TestApp;
use shop_billing::{Charge, NewCharge, PaymentProviderClient, PaymentProviderFake, Refusal};
use shop_contracts::{InvoiceIssued, OrderPlaced, PaymentFailed};

/// The service, with a provider that answers like this.
async fn start(answer: impl Fn(&NewCharge) -> Result<Charge, Refusal> + Send + Sync + 'static) -> TestApp {
    let provider = PaymentProviderFake::default();
    provider.charge().always(answer);
    TestApp::of::<shop_billing::Wiring>().fake::<PaymentProviderClient>(&provider).start().await.expect("the service starts")
}

fn charged() -> Result<Charge, Refusal> {
    Ok(Charge { charge: 1 })
}

fn refused(code: &str) -> Result<Charge, Refusal> {
    Err(Refusal { code: code.into(), message: format!("refused: {code}") })
}

fn order(number: u32, customer: &str) -> OrderPlaced {
    OrderPlaced { order_id: format!("o-{number}"), customer: customer.into(), total_cents: 990 }
}

#[tokio::test(start_paused = true)]
async fn a_charged_order_gets_an_invoice() {
    let app = start(|_| charged()).await;
    app.publish(&order(1, "ada")).await.expect("the event is published");
    app.assert_published(&InvoiceIssued { invoice: 1, order_id: "o-1".into(), customer: "ada".into(), total_cents: 990 });
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_busy_is_asked_again() {
    let asked = AtomicU32::new(0);
    let app = start(move |_| if asked.fetch_add(1, Ordering::Relaxed) < 2 { refused("busy") } else { charged() }).await;
    app.publish(&order(1, "ada")).await.expect("the event is published");
    app.assert_retried("on_order_placed", 2);
    app.assert_handled("on_order_placed", 1);
    assert_eq!(app.published::<InvoiceIssued>().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_stays_busy_is_given_up_after_five_retries() {
    let app = start(|_| refused("busy")).await;
    app.publish(&order(1, "ada")).await.expect("the event is published");
    app.assert_retried("on_order_placed", 5);
    app.assert_dead_lettered("on_order_placed", 1);
}

#[tokio::test(start_paused = true)]
async fn a_customer_without_account_is_given_up_at_once() {
    let app = start(|_| refused("no_account")).await;
    app.publish(&order(1, "mallory")).await.expect("the event is published");
    app.assert_retried("on_order_placed", 0);
    app.assert_dead_lettered("on_order_placed", 1);
}

#[tokio::test(start_paused = true)]
async fn a_declined_card_is_a_result() {
    let app = start(|_| refused("card_declined")).await;
    app.publish(&order(1, "ada")).await.expect("the event is published");
    app.assert_published(&PaymentFailed { order_id: "o-1".into(), customer: "ada".into(), reason: "refused: card_declined".into() });
    app.assert_dead_lettered("on_order_placed", 0);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_comes_twice_keeps_its_invoice() {
    let app = start(|_| charged()).await;
    for _ in 0..2 {
        app.publish(&order(1, "ada")).await.expect("the event is published");
    }
    let numbers: Vec<u32> = app.published::<InvoiceIssued>().iter().map(|issued| issued.invoice).collect();
    assert_eq!(numbers, [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn invoices_of_a_customer_follow_the_orders_though_the_provider_is_busy() {
    let asked = AtomicU32::new(0);
    let app = start(move |_| if asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) { refused("busy") } else { charged() }).await;
    let events: comms::Publisher<OrderPlaced> = app.app().inject().expect("every application has publishers");
    let orders: Vec<OrderPlaced> = (1..=20).map(|number| order(number, if number % 2 == 0 { "ada" } else { "alan" })).collect();
    events.publish_all(&orders).await.expect("the events are published");
    app.settled().await;
    for customer in ["ada", "alan"] {
        let issued = app.published::<InvoiceIssued>().into_iter().filter(|issued| issued.customer == customer);
        let of_customer: Vec<String> = issued.map(|issued| issued.order_id).collect();
        let placed = orders.iter().filter(|order| order.customer == customer);
        assert_eq!(of_customer, placed.map(|order| order.order_id.clone()).collect::<Vec<_>>(), "{}", app.story());
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_whose_provider_is_busy_keeps_no_other_waiting() {
    let app = start(|charge| if charge.customer == "barbara" { refused("busy") } else { charged() }).await;
    let events: comms::Publisher<OrderPlaced> = app.app().inject().expect("every application has publishers");
    let others: Vec<OrderPlaced> = (1..=60).map(|number| order(number, &format!("customer-{number}"))).collect();
    for other in &others[..40] {
        app.publish(other).await.expect("the event is published");
    }
    events.publish(&order(99, "barbara")).await.expect("the event is published");
    // The first attempt has failed; the next one follows after about 200 ms.
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    events.publish_all(&others[40..]).await.expect("the events are published");
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    assert_eq!(app.published::<InvoiceIssued>().len(), others.len(), "{}", app.story());
}
