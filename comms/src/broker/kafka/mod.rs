//! Kafka, over librdkafka.
//!
//! What is where, and why: docs/adr/0007-kafka.md.

mod admin;
mod client;
mod config;
mod connect;
mod consumer;
mod contradictions;
mod copies;
mod declare;
mod desk;
mod ended;
mod ephemeral;
mod error;
mod gate;
mod headers;
mod health;
mod lag;
mod letters;
mod marks;
mod member;
mod moving;
mod names;
mod orphans;
mod outside;
mod patience;
mod plan;
mod post;
mod provenance;
mod replicas;
mod reports;
mod seek;
mod shared;
mod state;
mod tenure;
mod topics;
mod trail;
mod transacting;
mod transactor;
mod url;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

pub use self::config::{Compression, KafkaConfig, Sasl};
use self::consumer::KafkaConsumer;
use self::patience::patiently;
use self::shared::{Outgoing, Refused, Shared};
use self::trail::Destination;
use super::{
    Admin, Broker, BrokerError, BrokerErrorKind, Capabilities, Confirm, ConnectionState, Consumer, Publishing, Receipt, Subscription,
    validate_topic,
};
use crate::message::Envelope;
use crate::metrics::ClientSnapshot;

/// What Kafka can do, whatever the URL says.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities { durable: true, replayable: true, delayed: true, transactional: true, ..Capabilities::none() };

/// A Kafka cluster as a message broker.
///
/// It keeps one producer, and one consumer with a thread of its own for each subscription; librdkafka repairs their connections.
/// Dropping it ends them without waiting; [`Broker::close`] writes out first what is still buffered.
#[derive(Debug)]
pub struct Kafka {
    shared: Arc<Shared>,
}

impl Kafka {
    /// Connects on behalf of the service; must be called within a tokio runtime.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use comms::broker::kafka::{Kafka, KafkaConfig};
    ///
    /// let config: KafkaConfig = "kafka://kafka1,kafka2/?compression=lz4".parse()?;
    /// let broker = Kafka::connect(config, "billing").await?;
    /// # let _ = broker;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BrokerErrorKind::Authentication`] for a wrong user or password, [`BrokerErrorKind::Config`] when a file can't be read,
    /// and [`BrokerErrorKind::Connection`] when none of the brokers answered within the option `connect_timeout`.
    pub async fn connect(config: KafkaConfig, service_name: &str) -> Result<Self, BrokerError> {
        Ok(Self { shared: Arc::new(Shared::connect(Arc::new(config), service_name).await?) })
    }

    /// What can be said of a message before it is sent.
    fn check(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        let (size, limit) = (envelope.payload.len(), self.shared.config.max_message);
        if size > limit {
            let message = format!(
                "a message of {size} bytes for the topic `{}` is larger than the {limit} bytes that the option `max_message` of the Kafka URL allows",
                envelope.topic
            );
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, message));
        }
        if !headers::headers_fit(&envelope.metadata) || headers::size(&envelope.metadata) > MAX_HEADERS {
            let message = format!(
                "the attributes of a message for the topic `{}` can't be Kafka headers: {MAX_HEADERS} bytes in all, and names without NUL",
                envelope.topic
            );
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, message));
        }
        validate_topic(&envelope.topic).map_err(|error| BrokerError::new(BrokerErrorKind::Config, format!("could not publish: {error}")))
    }

    /// Looks for the topic, so that a message for it can be sent without waiting.
    async fn find_topic(&self, topic: &str, deadline: Instant) -> Result<(Arc<str>, usize), BrokerError> {
        let shared = &self.shared;
        let name = shared.config.topic(topic);
        let looking = patiently(shared.config.publish_timeout, "publish", || shared.topics.ensure(&name));
        match timeout_at(deadline, looking).await {
            Ok(Ok(topic)) => Ok(topic),
            Ok(Err(error)) if error.kind() == BrokerErrorKind::Connection => Err(unreachable(Some(error))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(unreachable(None)),
        }
    }

    /// A message's own deadline, but no more than the configured time.
    fn deadline(&self, envelope: &Envelope) -> Instant {
        let longest = self.shared.config.publish_timeout;
        let left =
            envelope.metadata.deadline.map(|deadline| Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default());
        Instant::now() + left.map_or(longest, |left| left.min(longest))
    }

    fn outgoing(&self, envelope: &Envelope, topic: Arc<str>, partitions: usize) -> Outgoing {
        let key = envelope.metadata.key.as_ref().map(|key| key.as_bytes().to_vec());
        let destination = Destination::of(key.as_ref(), partitions);
        Outgoing { topic, destination, key, headers: headers::write(&envelope.metadata), payload: Some(envelope.payload.clone()) }
    }

    /// Waits until the producer has a place.
    async fn wait(&self, back: Box<Refused>, deadline: Instant, answered: Answered) -> Confirm {
        let (outgoing, answer, room) = *back;
        self.shared.post_patiently(outgoing, deadline, answer, room).await;
        Confirm::waiting(answered)
    }

    /// Waits for the topic and for room; that is the back-pressure.
    async fn hand_over(&self, envelope: Arc<Envelope>, deadline: Instant) -> Confirm {
        let shared = &self.shared;
        let room = match shared.room(deadline).await {
            Ok(room) => room,
            Err(error) => return Confirm::ready(Err(error)),
        };
        let (topic, partitions) = match self.find_topic(&envelope.topic, deadline).await {
            Ok(found) => found,
            Err(error) => return Confirm::ready(Err(error)),
        };
        let outgoing = self.outgoing(&envelope, topic, partitions);
        let (answer, answered) = oneshot::channel();
        shared.post_patiently(outgoing, deadline, answer, room).await;
        Confirm::waiting(answered)
    }
}

/// What will come of a message.
type Answered = oneshot::Receiver<Result<Receipt, BrokerError>>;

/// How large the headers may be, in bytes; a topic takes that much beside the payload.
const MAX_HEADERS: usize = 192 << 10;

fn unreachable(cause: Option<BrokerError>) -> BrokerError {
    let error =
        BrokerError::new(BrokerErrorKind::Unknown, "the message was not sent before its deadline: Kafka did not let its topic be found");
    match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

impl Broker for Kafka {
    fn scheme(&self) -> &'static str {
        if self.shared.config.tls { "kafkas" } else { "kafka" }
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        if self.shared.is_closed() {
            return Publishing::done(Confirm::ready(Err(BrokerError::closed("publish"))));
        }
        if let Err(error) = self.check(&envelope) {
            return Publishing::done(Confirm::ready(Err(error)));
        }
        let deadline = self.deadline(&envelope);
        let known = self.shared.known(&envelope.topic);
        let room = Arc::clone(&self.shared.room).try_acquire_owned();
        let (Some((topic, partitions)), Ok(room)) = (known, room) else {
            return Publishing::Waiting(Box::pin(self.hand_over(envelope, deadline)));
        };
        let (answer, answered) = oneshot::channel();
        match self.shared.post(self.outgoing(&envelope, topic, partitions), deadline, answer, room) {
            Ok(()) => Publishing::done(Confirm::waiting(answered)),
            Err(back) => Publishing::Waiting(Box::pin(self.wait(back, deadline, answered))),
        }
    }

    fn prepare<'a>(&'a self, envelope: &'a Arc<Envelope>) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            if self.shared.is_closed() {
                return Err(BrokerError::closed("publish"));
            }
            self.check(envelope)?;
            if self.shared.known(&envelope.topic).is_none() {
                self.find_topic(&envelope.topic, self.deadline(envelope)).await?;
            }
            Ok(())
        })
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            if self.shared.is_closed() {
                return Err(BrokerError::closed("subscribe"));
            }
            Ok(Box::new(KafkaConsumer::open(&self.shared, subscription).await?) as Box<dyn Consumer>)
        })
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        if self.shared.is_closed() { ConnectionState::Closed } else { self.shared.health.state() }
    }

    fn clients(&self) -> Vec<ClientSnapshot> {
        match self.shared.config.statistics.is_zero() || self.shared.is_closed() {
            true => Vec::new(),
            false => self.shared.health.reports.all(),
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.close())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
