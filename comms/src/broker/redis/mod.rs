//! Redis Streams and Redis Pub/Sub, over redis-rs.
//!
//! How messages are kept in streams: docs/adr/0008-redis.md. What Pub/Sub is for: docs/adr/0009-redis-pubsub.md.

mod admin;
mod answers;
mod ask;
mod attributes;
mod cluster;
mod config;
mod connection;
mod consumer;
mod contradictions;
mod declare;
mod desk;
mod dialer;
mod durable;
mod error;
mod fields;
mod handled;
mod keys;
mod lag;
mod lanes;
mod leave;
mod ordered;
mod pace;
mod plan;
mod post;
mod publisher;
mod pubsub;
mod reader;
mod script;
mod seek;
mod sentinel;
mod session;
mod shared;
#[cfg(feature = "redis-tls")]
mod tls;
#[cfg(not(feature = "redis-tls"))]
#[path = "no_tls.rs"]
mod tls;
mod to;
mod topics;
mod unordered;
mod url;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

pub use self::config::{HashTag, RedisConfig};
use self::consumer::{Recipe, RedisConsumer};
use self::handled::Window;
use self::lanes::Lanes;
pub(crate) use self::pubsub::CAPABILITIES as PUBSUB_CAPABILITIES;
pub use self::pubsub::{GAP, RedisPubSub, RedisPubSubConfig};
use self::to::{Replicas, To};
use super::{Admin, Broker, BrokerError, Capabilities, ConnectionState, Consumer, Handled, Publishing, Subscription};
use crate::message::Envelope;

/// A Redis server, or a Redis Cluster, as a message broker, on its streams.
///
/// It keeps one connection that everything shares, one more for each subscription, and repairs them by itself. To a cluster it keeps one that is
/// shared for each first word of its topics ([`HashTag`]), which follows the node that has them. Dropping
/// it ends them without waiting; [`Broker::close`] writes out first what is still buffered.
#[derive(Debug)]
pub struct Redis {
    lanes: Lanes,
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
    /// [`BrokerErrorKind::Authentication`](super::BrokerErrorKind::Authentication) at once for a wrong user, password or certificate,
    /// [`BrokerErrorKind::Config`](super::BrokerErrorKind::Config) when a file can't be read, [`BrokerErrorKind::Topology`](super::BrokerErrorKind::Topology) when the server is not as durable as the URL
    /// says, and [`BrokerErrorKind::Connection`](super::BrokerErrorKind::Connection) when it did not answer within the option `connect_timeout`.
    pub async fn connect(config: RedisConfig, service_name: &str) -> Result<Self, BrokerError> {
        let replicas = Replicas::of(&config);
        Ok(Self { lanes: Lanes::connect(Arc::new(config), service_name, To::Streams(replicas)).await? })
    }
}

impl Broker for Redis {
    fn scheme(&self) -> &'static str {
        if self.lanes.home.config.tls { "rediss" } else { "redis" }
    }

    fn capabilities(&self) -> Capabilities {
        self.lanes.home.config.capabilities()
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        self.lanes.publish(envelope)
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let attempted = format!("subscribe `{}`", subscription.name());
            let shared = self.lanes.of(&subscription)?;
            if shared.stopping.is_cancelled() {
                return Err(BrokerError::closed(&attempted));
            }
            subscription.refuse_transactions(self.scheme())?;
            let recipe = Recipe::new(Arc::clone(&shared), subscription);
            let opened = shared.patiently(&attempted, || recipe.open(None)).await?;
            Ok(Box::new(RedisConsumer::new(recipe, opened)) as Box<dyn Consumer>)
        })
    }

    fn handled(&self, subscription: &Subscription, window: Duration) -> Option<Arc<dyn Handled>> {
        if subscription.ephemeral {
            return None;
        }
        let shared = self.lanes.of(subscription).ok()?;
        let group = shared.keys.group(&keys::group_name(subscription));
        Some(Arc::new(Window { shared, group, window }))
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        self.lanes.state()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.lanes.close())
    }
}
