//! A world of its own for each test: names, a connection, and waiting with a deadline.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use comms::broker::rabbitmq::{RabbitMq, RabbitMqConfig};
use comms::broker::{Broker, BrokerError, Consumer, DeadLetter, Delivery, Order, Provenance, Reach, Receipt, Subscription};
use comms::message::{Envelope, Metadata};
use comms::testing::servers;
use tokio::time::timeout;

pub(crate) const SOON: Duration = Duration::from_secs(60);

/// One test's part of a server: an exchange nobody else uses, and unique group names.
pub(crate) struct World {
    pub(crate) broker: RabbitMq,
    pub(crate) id: String,
}

impl World {
    /// On the server that all tests share.
    pub(crate) async fn new(options: &str) -> Self {
        Self::at(&servers::RabbitMq::shared().await.url(), options).await
    }

    pub(crate) async fn at(url: &str, options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // A busy machine is slow; later options win.
        let broker = connect(&format!("{url}?exchange={id}&publish_timeout=120s&{options}")).await.unwrap();
        Self { broker, id }
    }

    pub(crate) fn group(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }

    pub(crate) fn subscription(&self, group: &str, topic: &str) -> Subscription {
        Subscription::new(topic.parse().unwrap(), self.group(group))
    }

    pub(crate) fn ordered(&self, group: &str, topic: &str, shards: u16) -> Subscription {
        let mut subscription = self.subscription(group, topic);
        subscription.order = Some(Order { shards: shards.try_into().unwrap() });
        subscription
    }

    pub(crate) async fn subscribe(&self, subscription: &Subscription) -> Box<dyn Consumer> {
        self.broker.subscribe(Arc::new(subscription.clone())).await.unwrap()
    }

    pub(crate) async fn publish(&self, topic: &str, body: &str) -> Reach {
        self.send(envelope(topic, body)).await.unwrap().reach
    }

    pub(crate) async fn publish_keyed(&self, topic: &str, key: &str, body: &str) {
        let mut envelope = envelope(topic, body);
        envelope.metadata.key = Some(key.into());
        self.send(envelope).await.unwrap();
    }

    pub(crate) async fn send(&self, envelope: Envelope) -> Result<Receipt, BrokerError> {
        let confirm = timeout(SOON, self.broker.publish(Arc::new(envelope))).await.expect("handed over in time");
        timeout(SOON, confirm).await.expect("confirmed in time")
    }
}

pub(crate) async fn connect(url: &str) -> Result<RabbitMq, BrokerError> {
    RabbitMq::connect(url.parse::<RabbitMqConfig>()?, "test").await
}

pub(crate) fn envelope(topic: &str, body: &str) -> Envelope {
    let mut metadata = Metadata::new("tests.happened", "tests".into());
    metadata.content_type = Some("application/json".into());
    Envelope::new(topic.into(), metadata, body.to_owned().into())
}

pub(crate) async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    next_within(consumer, SOON).await.expect("a delivery in time")
}

/// `None` when nothing came within the time.
pub(crate) async fn next_within(consumer: &mut Box<dyn Consumer>, time: Duration) -> Option<Delivery> {
    let delivery = timeout(time, poll_fn(|context| consumer.poll_next(context))).await.ok()?;
    Some(delivery.expect("the consumer goes on"))
}

pub(crate) async fn nothing(consumer: &mut Box<dyn Consumer>) {
    let come = next_within(consumer, Duration::from_millis(300)).await;
    assert!(come.is_none(), "{come:?}");
}

pub(crate) fn body(delivery: &Delivery) -> String {
    text(delivery.envelope())
}

pub(crate) fn text(envelope: &Envelope) -> String {
    String::from_utf8(envelope.payload.to_vec()).unwrap()
}

/// Takes so many deliveries, acknowledges them, and gives their bodies.
pub(crate) async fn take(consumer: &mut Box<dyn Consumer>, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let delivery = next(consumer).await;
        bodies.push(body(&delivery));
        delivery.ack();
    }
    bodies
}

pub(crate) fn letter(delivery: &Delivery, error: &str) -> DeadLetter {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let provenance = serde_json::json!({
        "topic": &*delivery.envelope().topic, "group": "g", "service": "s", "handler": "h", "reason": "failed", "class": "retryable",
        "errors": [error], "attempts": 3, "first_seen": now, "given_up": now,
    });
    DeadLetter::new(Arc::clone(delivery.envelope()), serde_json::from_value::<Provenance>(provenance).unwrap())
}

/// Polls until the condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
}

/// How many messages lie in the queue, whether taken or not.
pub(crate) async fn depth(server: &servers::RabbitMq, queue: &str) -> u64 {
    let queues = server.queues().await.unwrap();
    queues.iter().find(|found| found.name == queue).map_or(0, |found| found.messages)
}
