//! How far the groups are behind, as far as their broker tells it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use comms::broker::memory::Memory;
use comms::broker::{
    Admin, Broker, BrokerError, BrokerErrorKind, Capabilities, ConnectionState, Consumer, DeadLetter, DeadLetterFilter, Lag, PlanItem,
    Publishing, Subscription,
};
use comms::health::Health;
use comms::message::Envelope;
use comms::{App, Publisher};
use futures_util::future::{BoxFuture, pending};

use crate::{Task, gate, of, until, worker};

#[tokio::test]
async fn lag_is_asked_for_and_told_in_metrics_and_health() {
    let (memory, gate) = (Memory::new(), gate());
    let app = worker(&gate).broker("default", Arc::new(memory.connect())).start().await.unwrap();
    let health: Health = app.get().unwrap();
    app.watch_lag(Duration::from_millis(5));
    let tasks: Publisher<Task> = app.inject().unwrap();
    let held: Vec<Task> = (0..12).map(|_| Task::new("is held")).collect();
    tasks.publish_all(&held).await.unwrap();
    let lag = |app: &App| of(app, "tasks").lag;
    // As many as are handled at once; the rest waits.
    until("the lag is known", || lag(&app).is_some_and(|lag| (lag.waiting, lag.unsettled, lag.delayed) == (8, 4, 0))).await;
    let component = || health.report().components.get("lag worker.tasks").cloned();
    until("the health says it", || component().is_some_and(|found| found.detail.as_deref() == Some("8 waiting, 4 unsettled, 0 delayed")))
        .await;
    assert!(app.metrics().text().contains(r#"messaging_system="memory",state="waiting"} 8"#), "{}", app.metrics().text());
    assert!(health.report().ready);
    gate.0.add_permits(12);
    until("nothing is behind", || lag(&app).is_some_and(|lag| lag.waiting + lag.unsettled == 0)).await;
    app.shutdown().await;
}

/// A memory broker that does not answer, or refuses, when it is asked for the lag.
#[derive(Debug)]
struct Silent {
    memory: Memory,
    refuses: bool,
    /// It does answer, until this is taken back.
    tells: AtomicBool,
    asked: AtomicUsize,
}

impl Silent {
    fn new(refuses: bool) -> Arc<Self> {
        Arc::new(Self { memory: Memory::new(), refuses, tells: AtomicBool::new(false), asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Broker for Silent {
    fn scheme(&self) -> &'static str {
        self.memory.scheme()
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        self.memory.publish(envelope)
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        self.memory.subscribe(subscription)
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        self.memory.state()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.memory.close()
    }
}

impl Admin for Silent {
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        self.memory.admin().dead_letters(subscription, filter)
    }

    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        self.memory.admin().replay(subscription, filter)
    }

    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        self.memory.admin().purge(subscription, filter)
    }

    fn plan<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        self.memory.admin().plan(subscriptions)
    }

    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.tells.load(Ordering::SeqCst) {
            return self.memory.admin().lag(subscription);
        }
        if self.refuses {
            let message = "could not tell: this broker counts nothing";
            return Box::pin(async move { Err(BrokerError::new(BrokerErrorKind::Unsupported, message)) });
        }
        Box::pin(pending())
    }
}

#[tokio::test]
async fn a_broker_that_does_not_answer_holds_up_nothing() {
    let silent = Silent::new(false);
    let app = worker(&gate()).broker("default", Arc::clone(&silent) as Arc<dyn Broker>).start().await.unwrap();
    let health: Health = app.get().unwrap();
    app.watch_lag(Duration::from_millis(10));
    until("both subscriptions are asked for again and again", || silent.asked() >= 6).await;
    let component = health.report().components.get("lag worker.tasks").cloned().unwrap();
    assert!(format!("{:?}", component.state).contains("no answer within 10ms"), "{component:?}");
    assert!(health.report().ready, "it is no reason to get no work");
    assert_eq!(of(&app, "tasks").lag, None);
    let tasks: Publisher<Task> = app.inject().unwrap();
    tasks.publish(&Task::new("is quick")).await.unwrap();
    until("messages flow", || of(&app, "tasks").handled == 1).await;
    app.shutdown().await;
}

/// An old figure would look like one of now.
#[tokio::test]
async fn a_lag_that_is_no_longer_told_is_no_figure() {
    let silent = Silent::new(false);
    silent.tells.store(true, Ordering::SeqCst);
    let app = worker(&gate()).broker("default", Arc::clone(&silent) as Arc<dyn Broker>).start().await.unwrap();
    app.watch_lag(Duration::from_millis(10));
    let told = |app: &App| app.metrics().text().contains("comms_subscription_lag_messages{");
    until("the lag of both is known", || ["tasks", "errands"].iter().all(|topic| of(&app, topic).lag.is_some())).await;
    assert!(told(&app));
    silent.tells.store(false, Ordering::SeqCst);
    until("it is not known any more", || ["tasks", "errands"].iter().all(|topic| of(&app, topic).lag.is_none())).await;
    assert!(!told(&app), "{}", app.metrics().text());
    silent.tells.store(true, Ordering::SeqCst);
    until("it is known again", || of(&app, "tasks").lag.is_some()).await;
    app.shutdown().await;
}

#[tokio::test]
async fn a_broker_that_can_not_tell_is_asked_once() {
    let silent = Silent::new(true);
    let app = worker(&gate()).broker("default", Arc::clone(&silent) as Arc<dyn Broker>).start().await.unwrap();
    let health: Health = app.get().unwrap();
    app.watch_lag(Duration::from_millis(1));
    until("both subscriptions are asked for", || silent.asked() == 2).await;
    tokio::time::timeout(Duration::from_millis(50), pending::<()>()).await.unwrap_err();
    assert_eq!(silent.asked(), 2);
    assert!(!health.report().components.keys().any(|name| name.starts_with("lag ")), "{:?}", health.report());
    app.shutdown().await;
}
