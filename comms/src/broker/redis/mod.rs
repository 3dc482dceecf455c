//! Redis Streams, over redis-rs.
//!
//! How messages are kept: docs/adr/0008-redis.md.

mod admin;
mod config;
mod connection;
mod consumer;
mod declare;
mod desk;
mod error;
mod fields;
mod keys;
mod leave;
mod ordered;
mod plan;
mod publisher;
mod reader;
mod script;
mod session;
mod shared;
#[cfg(feature = "redis-tls")]
mod tls;
#[cfg(not(feature = "redis-tls"))]
#[path = "no_tls.rs"]
mod tls;
mod topics;
mod unordered;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

pub use self::config::RedisConfig;
use self::consumer::{Recipe, RedisConsumer};
use self::publisher::Job;
use self::shared::Shared;
use super::{
    Admin, Broker, BrokerError, BrokerErrorKind, Capabilities, Confirm, ConnectionState, Consumer, Publishing, Receipt, Subscription,
    validate_topic,
};
use crate::message::Envelope;

/// A Redis server as a message broker, on its streams.
///
/// It keeps one connection that everything shares, one more for each subscription, and repairs them by itself. Dropping
/// it ends them without waiting; [`Broker::close`] writes out first what is still buffered.
#[derive(Debug)]
pub struct Redis {
    shared: Arc<Shared>,
}

impl Redis {
    /// Connects on behalf of the service; must be called within a tokio runtime.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use comms::broker::redis::{Redis, RedisConfig};
    ///
    /// let config: RedisConfig = "redis://shop:secret@cache1:6379/0?durable=true".parse()?;
    /// let broker = Redis::connect(config, "billing").await?;
    /// # let _ = broker;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BrokerErrorKind::Authentication`] at once for a wrong user, password or certificate,
    /// [`BrokerErrorKind::Config`] when a file can't be read, [`BrokerErrorKind::Topology`] when the server is not as durable as the URL
    /// says, and [`BrokerErrorKind::Connection`] when it did not answer within the option `connect_timeout`.
    pub async fn connect(config: RedisConfig, service_name: &str) -> Result<Self, BrokerError> {
        Ok(Self { shared: Arc::new(Shared::connect(Arc::new(config), service_name).await?) })
    }

    /// What can be said of a message before it is sent.
    fn check(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        if self.shared.stopping.is_cancelled() {
            return Err(BrokerError::closed("publish"));
        }
        let (size, limit) = (envelope.payload.len(), self.shared.config.max_message);
        if size > limit {
            let message = format!(
                "a message of {size} bytes for the topic `{}` is larger than the {limit} bytes that the option `max_message` of the Redis URL allows",
                envelope.topic
            );
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, message));
        }
        fields::check(envelope)?;
        validate_topic(&envelope.topic).map_err(|error| BrokerError::new(BrokerErrorKind::Config, format!("could not publish: {error}")))
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

impl Broker for Redis {
    fn scheme(&self) -> &'static str {
        if self.shared.config.tls { "rediss" } else { "redis" }
    }

    fn capabilities(&self) -> Capabilities {
        self.shared.config.capabilities()
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        if let Err(error) = self.check(&envelope) {
            return Publishing::done(Confirm::ready(Err(error)));
        }
        let deadline = self.deadline(&envelope);
        let (answer, answered) = oneshot::channel();
        match self.shared.jobs.try_send(Job { envelope, deadline, answer: Some(answer) }) {
            Ok(()) => Publishing::done(Confirm::waiting(answered)),
            Err(TrySendError::Closed(_)) => Publishing::done(Confirm::ready(Err(BrokerError::closed("publish")))),
            Err(TrySendError::Full(job)) => Publishing::Waiting(Box::pin(self.hand_over(job, answered))),
        }
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let attempted = format!("subscribe `{}`", subscription.name());
            if self.shared.stopping.is_cancelled() {
                return Err(BrokerError::closed(&attempted));
            }
            let recipe = Recipe::new(Arc::clone(&self.shared), subscription);
            let opened = self.shared.patiently(&attempted, || recipe.open(None)).await?;
            Ok(Box::new(RedisConsumer::new(recipe, opened)) as Box<dyn Consumer>)
        })
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        if self.shared.stopping.is_cancelled() {
            return ConnectionState::Closed;
        }
        self.shared.link.describe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.close())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

fn no_room() -> BrokerError {
    let message = "the message was not sent before its deadline: too many others wait for Redis to confirm them";
    BrokerError::new(BrokerErrorKind::Unknown, message)
}
