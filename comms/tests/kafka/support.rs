//! Connections, messages, and waiting with a deadline.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use comms::broker::kafka::{Kafka, KafkaConfig};
use comms::broker::{Broker, BrokerError, Consumer, Delivery, Subscription};
use comms::message::{Envelope, Metadata};
use tokio::time::timeout;

pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Members that notice each other soon.
const OPTIONS: &str = "heartbeat=100ms&refresh=200ms&session_timeout=30s&ladder=300ms,2s&connect_timeout=60s&publish_timeout=60s";

pub(crate) async fn connect(url: &str, options: &str) -> Result<Kafka, BrokerError> {
    // Later options win.
    Kafka::connect(format!("{url}?{OPTIONS}&{options}").parse::<KafkaConfig>()?, "test").await
}

pub(crate) fn subscription(group: &str, topic: &str) -> Subscription {
    Subscription::new(topic.parse().unwrap(), group)
}

pub(crate) async fn subscribe(broker: &Kafka, subscription: &Subscription) -> Box<dyn Consumer> {
    timeout(SOON, broker.subscribe(Arc::new(subscription.clone()))).await.expect("subscribed in time").unwrap()
}

pub(crate) fn envelope(topic: &str, key: Option<&str>, body: &str) -> Envelope {
    let mut metadata = Metadata::new("tests.happened", "tests".into());
    metadata.content_type = Some("text/plain".into());
    metadata.key = key.map(Into::into);
    Envelope::new(topic.into(), metadata, body.to_owned().into())
}

pub(crate) async fn publish(broker: &Kafka, topic: &str, key: Option<&str>, body: &str) -> Result<(), BrokerError> {
    let confirm = timeout(SOON, broker.publish(Arc::new(envelope(topic, key, body)))).await.expect("handed over in time");
    timeout(SOON, confirm).await.expect("confirmed in time").map(drop)
}

pub(crate) fn body(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.envelope().payload).into_owned()
}

pub(crate) async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    next_within(consumer, SOON).await.expect("a delivery in time")
}

/// `None` when nothing came within the time.
pub(crate) async fn next_within(consumer: &mut Box<dyn Consumer>, time: Duration) -> Option<Delivery> {
    let delivery = timeout(time, poll_fn(|context| consumer.poll_next(context))).await.ok()?;
    Some(delivery.expect("the consumer goes on"))
}
