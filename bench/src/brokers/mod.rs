//! One event over a real broker: by its raw client alone, by our backend alone, by the whole framework.
//!
//! All have the same: payload, window of unconfirmed publishes, prefetch, a connection to publish on and one to consume on, the
//! arguments of queue, topic or stream. All decode into the same type, and settle after that.

mod arrivals;
mod backend;
mod course;
mod framework;
mod kafka;
mod lapin;
mod outside;
mod party;
mod redis;

use std::sync::Arc;

use comms::broker::kafka::{Kafka, KafkaConfig};
use comms::broker::rabbitmq::{RabbitMq, RabbitMqConfig};
use comms::broker::redis::{Redis, RedisConfig};
use comms::broker::{Broker, Confirm, Subscription};
use comms::event;
use comms::message::{Id, Metadata, TraceParent};

pub use arrivals::Arrivals;
pub use backend::Backend;
pub use course::{Course, compete};
pub use framework::Framework;
pub use kafka::RawKafka;
pub use lapin::RawRabbitMq;
pub use outside::Outside;
pub use party::{Contestant, Party};
pub use redis::RawRedis;

/// How many publishes may be unconfirmed.
pub const WINDOW: usize = 256;
/// How many messages may be handled at once; the prefetch is twice that.
pub const CONCURRENCY: usize = 128;
/// The topic of all of them.
pub const TOPIC: &str = "parcels";
/// The group of all of them.
pub const GROUP: &str = "bench";

/// What is written beside the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// The delivery mode.
    None,
    /// The CloudEvents attributes that the framework writes, and read again at the other end.
    CloudEvents,
}

/// The attributes that the framework gives a message.
fn attributes() -> Metadata {
    let mut metadata = Metadata::new("bench.shipped", "bench".into());
    metadata.correlation = Some(Id::new());
    metadata.trace = Some(TraceParent::root());
    metadata
}

/// An event of about as many bytes of JSON as is asked for.
#[event(name = "bench.shipped", version = 1, topic = "parcels")]
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The id.
    pub id: u64,
    /// Fills it up.
    pub text: String,
}

impl Shipped {
    /// An event of so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self { id: 1_000_000, text: "x".repeat(bytes.saturating_sub(28)) }
    }
}

/// Our backend at a URL. What it declares is of `name` alone, so that no contestant finds what another left.
///
/// # Panics
/// Without a server there.
pub async fn connect(url: &str, name: &str) -> Arc<dyn Broker> {
    match url.split_once(':').map_or("", |(scheme, _)| scheme) {
        "kafka" => {
            let config: KafkaConfig = format!("{url}?window={WINDOW}&prefix={name}-").parse().expect("a URL of Kafka");
            Arc::new(Kafka::connect(config, "bench").await.expect("connected"))
        }
        "redis" => {
            let config: RedisConfig = format!("{url}?window={WINDOW}&prefix={name}").parse().expect("a URL of Redis");
            Arc::new(Redis::connect(config, "bench").await.expect("connected"))
        }
        _ => {
            let config: RabbitMqConfig = format!("{url}?window={WINDOW}&exchange={name}").parse().expect("a URL of RabbitMQ");
            Arc::new(RabbitMq::connect(config, "bench").await.expect("connected"))
        }
    }
}

fn subscription() -> Arc<Subscription> {
    let mut subscription = Subscription::new(TOPIC.parse().expect("a topic"), GROUP);
    subscription.concurrency = CONCURRENCY;
    Arc::new(subscription)
}

/// Declares the group, so that it gets what is published before anybody consumes.
async fn declare(broker: &dyn Broker) {
    drop(broker.subscribe(subscription()).await.expect("declared"));
}

async fn confirmed(confirm: Option<Confirm>) {
    if let Some(confirm) = confirm {
        confirm.await.expect("confirmed");
    }
}
