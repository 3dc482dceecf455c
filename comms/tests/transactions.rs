//! Transactional handlers on the memory broker: what they publish, and what they refuse.

use std::sync::{Arc, Mutex};

use comms::broker::memory::Memory;
use comms::broker::{Admin, Broker, BrokerError, Capabilities, ConnectionState, Consumer, Publishing, Subscription};
use comms::message::Envelope;
use comms::testing::TestApp;
use comms::{AppBuilder, Class, Classified, Classify, Context, PublishError, Publisher, event, event_handler, service};
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, oneshot};

/// Something to do.
#[event(name = "test.ordered", version = 1, topic = "orders")]
#[derive(Clone, Debug, PartialEq)]
struct Ordered {
    number: u32,
}

/// What came of it.
#[event(name = "test.invoiced", version = 1, topic = "invoices")]
#[derive(Clone, Debug, PartialEq)]
struct Invoiced {
    number: u32,
}

/// Something that has to be kept elsewhere.
#[event(name = "test.noted", version = 1, topic = "notes", broker = "audit")]
#[derive(Clone, Debug, PartialEq)]
struct Noted {
    number: u32,
}

type Said = Arc<Mutex<Option<oneshot::Sender<Result<(), PublishError>>>>>;

/// Fails with number 0, publishes too much with number 1, leaves a task behind with number 2.
#[service(name = "billing", version = "1.0.0")]
struct Billing {
    invoices: Publisher<Invoiced>,
    gate: Arc<Notify>,
    said: Said,
}

#[service]
impl Billing {
    #[event_handler(transactional, retry(max = 0))]
    async fn on_ordered(&self, event: Ordered) -> Result<(), comms::BoxError> {
        self.invoices.publish(&Invoiced { number: event.number }).await?;
        match event.number {
            0 => return Err(Classified::permanent("no").into()),
            1 => {
                let many: Vec<Invoiced> = (0..10_000).map(|number| Invoiced { number }).collect();
                self.invoices.publish_all(&many).await?;
            }
            2 => {
                let (invoices, gate, said) = (self.invoices.clone(), Arc::clone(&self.gate), Arc::clone(&self.said));
                Context::spawn(async move {
                    gate.notified().await;
                    let published = invoices.publish(&Invoiced { number: 99 }).await.map(drop);
                    said.lock().unwrap().take().map(|said| said.send(published))
                });
            }
            _ => {
                // A task that the handler waits for is a part of it.
                let invoices = self.invoices.clone();
                Context::spawn(async move { invoices.publish(&Invoiced { number: 100 }).await }).await??;
            }
        }
        Ok(())
    }
}

fn billing() -> (AppBuilder, Arc<Notify>, oneshot::Receiver<Result<(), PublishError>>) {
    let (said, answer) = oneshot::channel();
    let gate = Arc::new(Notify::new());
    let app = AppBuilder::new("test").service::<Billing>().event_handler::<__comms_Billing_on_ordered>();
    (app.provide(Arc::clone(&gate)).provide(Said::new(Mutex::new(Some(said)))), gate, answer)
}

#[tokio::test]
async fn what_succeeds_is_published_with_the_tasks_that_were_waited_for() {
    let app = TestApp::with(billing().0).start().await.unwrap();
    app.publish(&Ordered { number: 7 }).await.unwrap();
    assert_eq!(app.published::<Invoiced>(), [Invoiced { number: 7 }, Invoiced { number: 100 }]);
    app.assert_handled("on_ordered", 1);
}

#[tokio::test]
async fn what_fails_publishes_nothing() {
    let app = TestApp::with(billing().0).start().await.unwrap();
    app.publish(&Ordered { number: 0 }).await.unwrap();
    app.assert_dead_lettered("on_ordered", 1);
    assert_eq!(app.published::<Invoiced>(), []);
}

#[tokio::test]
async fn an_attempt_publishes_no_more_than_fits_into_a_transaction() {
    let app = TestApp::with(billing().0).start().await.unwrap();
    app.publish(&Ordered { number: 1 }).await.unwrap();
    app.assert_dead_lettered("on_ordered", 1);
    assert_eq!(app.published::<Invoiced>(), []);
    assert!(app.story().contains("at most 10000 messages"), "{}", app.story());
}

#[tokio::test]
async fn a_task_that_outlives_its_handler_can_publish_no_more() {
    let (app, gate, answer) = billing();
    let app = TestApp::with(app).start().await.unwrap();
    app.publish(&Ordered { number: 2 }).await.unwrap();
    app.assert_handled("on_ordered", 1);
    gate.notify_one();
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
    let text = error.to_string();
    assert!(
        ["`test.invoiced`", "`invoices`", "`on_ordered`", "has ended", "`tokio::spawn`"].iter().all(|part| text.contains(part)),
        "{text}"
    );
    assert_eq!(app.published::<Invoiced>(), [Invoiced { number: 2 }]);
}

/// Publishes to another broker than its own.
#[service(name = "noting", version = "1.0.0")]
struct Noting {
    notes: Publisher<Noted>,
    said: Said,
}

#[service]
impl Noting {
    #[event_handler(transactional)]
    async fn on_ordered(&self, event: Ordered) {
        let published = self.notes.publish(&Noted { number: event.number }).await.map(drop);
        let _ = self.said.lock().unwrap().take().map(|said| said.send(published));
    }
}

#[tokio::test]
async fn there_is_no_transaction_over_two_brokers() {
    let (said, answer) = oneshot::channel();
    let app = AppBuilder::new("test").service::<Noting>().event_handler::<__comms_Noting_on_ordered>();
    let app =
        app.provide(Said::new(Mutex::new(Some(said)))).broker("default", Arc::new(Memory::new())).broker("audit", Arc::new(Memory::new()));
    let app = app.start().await.unwrap();
    app.inject::<Publisher<Ordered>>().unwrap().publish(&Ordered { number: 7 }).await.unwrap();
    let text = answer.await.unwrap().unwrap_err().to_string();
    assert!(["`audit`", "`on_ordered`", "not `transactional`"].iter().all(|part| text.contains(part)), "{text}");
}

/// Everything that can't be around a transactional handler.
#[service(name = "strict", version = "1.0.0", subscribe("orders", dedup = "1m", ordered(after = "park-key")))]
struct Strict;

#[service]
impl Strict {
    #[event_handler(transactional)]
    async fn on_ordered(&self, _event: Ordered, _notes: Publisher<Noted>) {}
}

#[tokio::test]
async fn what_would_break_the_promise_keeps_the_application_from_starting() {
    let app = AppBuilder::new("test").service::<Strict>().event_handler::<__comms_Strict_on_ordered>();
    let app = app.broker("default", Arc::new(Memory::new())).broker("audit", Arc::new(Memory::new()));
    let error = app.start().await.unwrap_err().to_string();
    for part in
        ["tests/transactions.rs", "take `dedup` away", "write `after = \"continue\"`", "publishes `test.noted` on the broker `audit`"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A broker without transactions.
#[derive(Debug)]
struct Plain(Memory);

impl Broker for Plain {
    fn scheme(&self) -> &'static str {
        "plain"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        self.0.publish(envelope)
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        self.0.subscribe(subscription)
    }

    fn admin(&self) -> &dyn Admin {
        self.0.admin()
    }

    fn state(&self) -> ConnectionState {
        self.0.state()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

#[tokio::test]
async fn a_broker_without_transactions_is_refused_with_what_to_write() {
    let error = billing().0.broker("default", Arc::new(Plain(Memory::new()))).start().await.unwrap_err().to_string();
    for part in ["`on_ordered`", "`billing`", "`default` (plain) has no transactions", "`dedup = \"10m\"`", "Kafka"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
