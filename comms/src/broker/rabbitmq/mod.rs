//! RabbitMQ, over lapin (AMQP 0-9-1).
//!
//! How messages are routed: docs/adr/0002-rabbitmq-topology.md.

mod admin;
mod config;
mod connection;
mod consumer;
mod contradictions;
mod copies;
mod error;
mod flights;
mod foreign;
mod headers;
mod lag;
mod ledger;
mod plan;
mod provenance;
mod publisher;
mod queues;
mod returns;
mod route;
mod settle;
mod shared;
mod tls;
mod topology;
mod turn;
mod url;
mod voyage;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, select_all};
use jiff::Timestamp;
use lapin::types::ShortString;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

pub use self::config::{QueueKind, RabbitMqConfig};
use self::consumer::{RabbitConsumer, Recipe};
use self::flights::{Job, Letter, Routed};
pub use self::headers::PRIORITY;
pub use self::route::{Route, RouteKind};
use self::shared::{Shared, patiently};
use self::topology::Topology;
use super::{
    Admin, Broker, BrokerError, BrokerErrorKind, Capabilities, Confirm, ConnectionState, Consumer, Publishing, Receipt, StartPosition,
    Subscription, validate_topic,
};
use crate::message::Envelope;

/// A RabbitMQ server, or cluster, as a message broker.
///
/// It keeps two connections, one to publish and one to consume, and repairs them by itself. Dropping
/// it ends both without waiting; [`Broker::close`] writes out first what is still buffered.
#[derive(Debug)]
pub struct RabbitMq {
    shared: Arc<Shared>,
}

impl RabbitMq {
    /// Connects on behalf of the service; must be called within a tokio runtime.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use comms::broker::rabbitmq::{RabbitMq, RabbitMqConfig};
    ///
    /// let config: RabbitMqConfig = "amqp://shop:secret@mq1,mq2/shop?heartbeat=10s".parse()?;
    /// let broker = RabbitMq::connect(config, "billing").await?;
    /// # let _ = broker;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BrokerErrorKind::Authentication`] at once for a wrong user, password, vhost or certificate,
    /// [`BrokerErrorKind::Config`] when a file can't be read, and [`BrokerErrorKind::Connection`] when
    /// none of the servers answered within the option `connect_timeout`.
    pub async fn connect(config: RabbitMqConfig, service_name: &str) -> Result<Self, BrokerError> {
        Ok(Self { shared: Arc::new(Shared::connect(Arc::new(config), service_name).await?) })
    }

    /// What can be said of a message before it is sent.
    fn check(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        let (size, limit) = (envelope.payload.len(), self.shared.config.max_message);
        if size > limit {
            let message = format!(
                "a message of {size} bytes for the topic `{}` is larger than the {limit} bytes that the option `max_message` of the RabbitMQ URL allows",
                envelope.topic
            );
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, message));
        }
        if let Some(priority) = envelope.metadata.extensions.get(PRIORITY).filter(|priority| priority.parse::<u8>().is_err()) {
            let message = format!(
                "a message for the topic `{}` has `{priority}` in its extension `{PRIORITY}`: expected a whole number from 0 to 255",
                envelope.topic
            );
            return Err(BrokerError::new(BrokerErrorKind::Config, message));
        }
        if !headers::headers_fit(&envelope.metadata) {
            let message = format!(
                "the attributes of a message for the topic `{}` are too large for AMQP headers: names up to 240 bytes, {} bytes in all",
                envelope.topic,
                headers::MAX_HEADERS
            );
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, message));
        }
        validate_topic(&envelope.topic).map_err(|error| BrokerError::new(BrokerErrorKind::Config, format!("could not publish: {error}")))
    }

    /// What goes on the wire, and until when.
    fn letter(&self, envelope: Arc<Envelope>) -> Result<(Letter, Instant), BrokerError> {
        let deadline = self.deadline(&envelope);
        let Some(route) = self.shared.config.route(&envelope.topic) else { return Ok((Letter::Published(envelope), deadline)) };
        let address = route.address(&envelope.metadata)?;
        let properties = headers::write_routed(&envelope.metadata, address.headers);
        let exchange = ShortString::try_new(route.exchange.as_str()).unwrap_or_default();
        Ok((Letter::Routed(Box::new(Routed { exchange, key: address.key, properties, payload: envelope.payload.clone() })), deadline))
    }

    /// Waits for room; that is the back-pressure.
    async fn hand_over(&self, job: Job, answered: oneshot::Receiver<Result<Receipt, BrokerError>>) -> Confirm {
        match timeout_at(job.deadline, self.shared.jobs.send(job)).await {
            Ok(Ok(())) => Confirm::waiting(answered),
            Ok(Err(_)) => Confirm::ready(Err(BrokerError::closed("publish"))),
            Err(_) => Confirm::ready(Err(no_room())),
        }
    }

    fn deadline(&self, envelope: &Envelope) -> Instant {
        let left = match envelope.metadata.deadline {
            Some(deadline) => Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default(),
            None => self.shared.config.publish_timeout,
        };
        Instant::now() + left
    }
}

impl Broker for RabbitMq {
    fn scheme(&self) -> &'static str {
        if self.shared.config.tls { "amqps" } else { "amqp" }
    }

    fn capabilities(&self) -> Capabilities {
        self.shared.config.capabilities()
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        if let Err(error) = self.check(&envelope) {
            return Publishing::done(Confirm::ready(Err(error)));
        }
        let (letter, deadline) = match self.letter(envelope) {
            Ok(letter) => letter,
            Err(error) => return Publishing::done(Confirm::ready(Err(error))),
        };
        let (answer, answered) = oneshot::channel();
        match self.shared.jobs.try_send(Job { letter, deadline, answer }) {
            Ok(()) => Publishing::done(Confirm::waiting(answered)),
            Err(TrySendError::Closed(_)) => Publishing::done(Confirm::ready(Err(BrokerError::closed("publish")))),
            Err(TrySendError::Full(job)) => Publishing::Waiting(Box::pin(self.hand_over(job, answered))),
        }
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            subscription.refuse_transactions(self.scheme())?;
            if subscription.from == StartPosition::Earliest {
                return Err(not_replayable(&subscription));
            }
            let topology = Arc::new(Topology::new(&self.shared.config, &subscription)?);
            let recipe = Recipe::new(Arc::clone(&self.shared), topology, subscription);
            let attempted = format!("subscribe `{}`", recipe.topology.name);
            let session = patiently(self.shared.config.publish_timeout, &attempted, || recipe.open()).await?;
            Ok(Box::new(RabbitConsumer::new(recipe, session)) as Box<dyn Consumer>)
        })
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        let states = self.shared.links().map(connection::Link::describe);
        states
            .max_by_key(|state| match state {
                ConnectionState::Connected => 0,
                ConnectionState::Blocked { .. } => 1,
                ConnectionState::Reconnecting { .. } => 2,
                ConnectionState::Closed => 3,
            })
            .unwrap_or(ConnectionState::Closed)
    }

    /// The connection to consume on is there before anybody looks: it is made at the start, with the first subscription.
    fn state_changed(&self) -> Option<BoxFuture<'static, ()>> {
        let changes = self.shared.links().map(connection::Link::changed).map(Box::pin);
        let changed = select_all(changes);
        Some(Box::pin(async move { drop(changed.await) }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.close())
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

fn no_room() -> BrokerError {
    let message = "the message was not sent before its deadline: too many others wait for RabbitMQ to confirm them";
    BrokerError::new(BrokerErrorKind::Unknown, message)
}

fn not_replayable(subscription: &Subscription) -> BrokerError {
    let message = format!(
        "the subscription `{}` asks to begin with the earliest message, but RabbitMQ keeps none for groups that don't exist yet: begin with new messages, or use a replayable broker",
        subscription.name()
    );
    BrokerError::new(BrokerErrorKind::Unsupported, message)
}
