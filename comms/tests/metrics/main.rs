//! What a process counts: by snapshot, as text, and how far its groups are behind.
#![cfg(feature = "testing")]

mod lag;
#[path = "../support/promtool.rs"]
mod promtool;

use std::sync::Arc;
use std::time::Duration;

use comms::broker::memory::Memory;
use comms::broker::{Broker, BrokerErrorKind};
use comms::message::{Envelope, Metadata};
use comms::metrics::{Metrics, SubscriptionSnapshot};
use comms::testing::TestApp;
use comms::{App, AppBuilder, Batch, BoxError, Classified, PublishError, Publisher, event, event_handler, service};
use tokio::sync::Semaphore;

/// Something to do.
#[event(name = "test.task", version = 1, topic = "tasks")]
#[derive(Clone, Debug, PartialEq)]
struct Task {
    what: String,
}

/// Something to do with others of its kind.
#[event(name = "test.errand", version = 1, topic = "errands")]
#[derive(Clone, Debug, PartialEq)]
struct Errand {
    what: String,
}

/// Nobody cares.
#[event(name = "test.ignored", version = 1, topic = "nowhere")]
struct Ignored;

impl Task {
    fn new(what: &str) -> Self {
        Self { what: what.to_owned() }
    }
}

#[service(name = "worker", version = "1.0.0", subscribe("tasks", concurrency = 4), subscribe("errands", concurrency = 1))]
struct Worker {
    gate: Gate,
}

/// Holds those who ask to be held, until it is opened.
#[derive(Clone, Debug)]
struct Gate(Arc<Semaphore>);

#[service]
impl Worker {
    #[event_handler(retry(max = 2, immediate = 1, backoff = "10ms..10ms"))]
    async fn on_task(&self, task: Task) -> Result<(), BoxError> {
        match task.what.as_str() {
            "fails" => Err("no".into()),
            "is hopeless" => Err(Classified::permanent("never").into()),
            "waits" => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(())
            }
            "is held" => {
                drop(self.gate.0.acquire().await);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[event_handler(batch(max = 3, wait = "10s"))]
    async fn on_errands(&self, errands: Batch<Errand>) {
        assert!(!errands.is_empty());
    }
}

fn worker(gate: &Gate) -> AppBuilder {
    let app = AppBuilder::new("worker").service::<Worker>().provide(gate.clone()).message::<Ignored>();
    app.event_handler::<__comms_Worker_on_task>().batch_handler::<__comms_Worker_on_errands>()
}

fn gate() -> Gate {
    Gate(Arc::new(Semaphore::new(0)))
}

fn of(app: &App, topic: &str) -> SubscriptionSnapshot {
    let found = app.metrics().snapshot().subscriptions.into_iter().find(|one| one.of.topic == topic);
    found.unwrap_or_else(|| panic!("there is no subscription to `{topic}`"))
}

#[tokio::test]
async fn every_message_is_counted_with_its_outcome_and_its_time() {
    let app = TestApp::with(worker(&gate())).start().await.unwrap();
    let tasks: Publisher<Task> = app.app().inject().unwrap();
    let quick: Vec<Task> = (0..40).map(|_| Task::new("is quick")).collect();
    tasks.publish_all(&quick).await.unwrap();
    tasks.publish_all(&["waits", "is hopeless"].map(Task::new)).await.unwrap();
    tasks.publish(&Task::new("fails")).await.unwrap();
    let errands: Publisher<Errand> = app.app().inject().unwrap();
    errands.publish_all(&["a", "b", "c"].map(|what| Errand { what: what.to_owned() })).await.unwrap();
    let ignored: Publisher<Ignored> = app.app().inject().unwrap();
    ignored.publish(&Ignored).await.unwrap();
    app.settled().await;
    // Each time that one was taken up: the one that failed left the queue once between its attempts.
    until("every message is measured", || of(app.app(), "tasks").handle_time.count() >= 44).await;
    until("the batch is measured", || of(app.app(), "errands").handle_time.count() >= 3).await;

    let counted = of(app.app(), "tasks");
    assert_eq!((counted.handled, counted.dead_lettered, counted.retried, counted.in_flight), (41, 2, 2, 0), "{counted:?}");
    assert_eq!((counted.of.group.as_str(), counted.of.service.as_str(), counted.of.system), ("worker", "worker", "memory"));
    assert_eq!(counted.handle_time.count(), 44, "{counted:?}");
    assert!(counted.handle_time.sum >= Duration::from_millis(20), "{counted:?}");
    assert_eq!((counted.duplicates, counted.skipped, counted.redelivered), (0, 0, 0));
    let batched = of(app.app(), "errands");
    assert_eq!((batched.handled, batched.handle_time.count()), (3, 3), "{batched:?}");

    let published = app.app().metrics().snapshot().publishers;
    let counts = |event: &str| published.iter().find(|one| one.event == event).map(|one| one.counts).unwrap();
    let tasks = counts("test.task");
    assert_eq!((tasks.published, tasks.confirmed, tasks.unrouted, tasks.failed, tasks.unknown), (43, 43, 0, 0, 0));
    assert_eq!((counts("test.ignored").confirmed, counts("test.ignored").unrouted), (1, 1));
    assert!(published.iter().all(|one| one.counts.open() == 0));
    app.shutdown().await;
}

/// The first error is what comes of it; what was published beside it is published.
#[tokio::test]
async fn a_batch_with_one_message_that_is_refused_fails_and_publishes_the_others() {
    let memory = Memory::open("memory:?max_message=100").unwrap();
    let app = worker(&gate()).broker("default", Arc::new(memory)).start().await.unwrap();
    let tasks: Publisher<Task> = app.inject().unwrap();
    let receipts = tasks.publish_all(&[Task::new("first"), Task::new("second")]).await.unwrap();
    assert_eq!(receipts.len(), 2);
    let error = tasks.publish_all(&[Task::new("third"), Task::new(&"x".repeat(200)), Task::new("fourth")]).await.unwrap_err();
    assert!(matches!(&error, PublishError::Broker { source, .. } if source.kind() == BrokerErrorKind::TooLarge), "{error:?}");
    until("the others are handled", || of(&app, "tasks").handled == 4).await;
    let counts = app.metrics().snapshot().publishers[0].counts;
    assert_eq!((counts.published, counts.confirmed, counts.failed, counts.unknown), (5, 4, 1, 0));
    assert!(tasks.publish_all(&[]).await.unwrap().is_empty());
    app.shutdown().await;
}

#[tokio::test]
async fn what_the_broker_delivers_again_is_counted() {
    let memory = Memory::new();
    let gate = gate();
    let connection = memory.connect();
    let first = worker(&gate).broker("default", Arc::new(connection.clone())).start().await.unwrap();
    let tasks: Publisher<Task> = first.inject().unwrap();
    tasks.publish(&Task::new("is held")).await.unwrap();
    until("the message is in hand", || of(&first, "tasks").in_flight == 1).await;
    // What was in hand is given back, as after a crash.
    connection.close().await;
    let second = worker(&gate).broker("default", Arc::new(memory.connect())).start().await.unwrap();
    until("it is in hand again", || of(&second, "tasks").in_flight == 1).await;
    assert_eq!(of(&second, "tasks").redelivered, 1);
    gate.0.add_permits(2);
    until("it is handled", || of(&second, "tasks").handled == 1).await;
    first.shutdown().await;
    second.shutdown().await;
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
}

#[tokio::test]
async fn the_state_of_the_connection_is_told() {
    let memory = Memory::new();
    let app = worker(&gate()).broker("default", Arc::new(memory.clone())).start().await.unwrap();
    let connected = |app: &App| app.metrics().snapshot().brokers[0].connected;
    assert!(connected(&app));
    memory.close().await;
    assert!(!connected(&app));
    let line = "comms_broker_connected{comms_broker=\"default\",messaging_system=\"memory\"} 0\n";
    assert!(app.metrics().text().contains(line), "{}", app.metrics().text());
    app.shutdown().await;
}

#[tokio::test]
async fn prometheus_reads_the_text() {
    let app = TestApp::with(worker(&gate())).start().await.unwrap();
    app.app().watch_lag(Duration::from_millis(5));
    let tasks: Publisher<Task> = app.app().inject().unwrap();
    tasks.publish_all(&["waits", "is quick"].map(Task::new)).await.unwrap();
    let metadata = Metadata::new("test.unknown", "test \"quoted\"".into());
    let envelope = Envelope::new("tasks".into(), metadata, "null".into());
    app.app().brokers().get("default").unwrap().publish(Arc::new(envelope)).await.await.unwrap();
    app.settled().await;
    until("the lag is known", || of(app.app(), "tasks").lag.is_some()).await;
    assert_eq!(of(app.app(), "tasks").skipped, 1);
    let metrics: Metrics = app.app().inject().unwrap();
    let text = metrics.text();
    app.shutdown().await;
    promtool::check(&text);
}
