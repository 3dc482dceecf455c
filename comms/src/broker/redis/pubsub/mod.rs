//! Redis Pub/Sub: a broker that keeps nothing.

mod config;
mod consumer;
mod follow;
mod inbox;
mod listening;
pub(super) mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};

pub use self::config::RedisPubSubConfig;
use self::consumer::ChannelConsumer;
use self::follow::Follower;
use super::lanes::Lanes;
use super::to::To;
use crate::broker::{
    Admin, AtMostOnce, Broker, BrokerError, BrokerErrorKind, Capabilities, ConnectionState, Consumer, DeadLetter, DeadLetterFilter,
    PlanItem, Publishing, StartPosition, Subscription,
};
use crate::message::Envelope;

/// The extension of the first message behind a gap: for how many milliseconds messages of the subscription may be missing before it.
pub const GAP: &str = "gap";

pub(crate) const CAPABILITIES: Capabilities = Capabilities { at_most_once: true, reports_unrouted: true, ..Capabilities::none() };

/// A Redis server, or a Redis Cluster, as a message broker, on its channels: see [`AtMostOnce`]. Those of a cluster are sharded: each has a node.
///
/// Each subscription has a connection of its own, which is repaired. What was published meanwhile is lost; that is logged, shown by
/// [`Broker::state`] while it lasts, counted by [`RedisPubSub::gaps`], and told to the handler by the extension [`GAP`].
#[derive(Debug)]
pub struct RedisPubSub {
    lanes: Lanes,
    buffer: usize,
    gaps: Arc<Gaps>,
}

/// What was missed.
#[derive(Debug, Default)]
struct Gaps {
    count: AtomicU64,
    /// The subscriptions that are cut off now, by a number of their own, and why.
    away: Mutex<BTreeMap<u64, String>>,
    consumers: AtomicU64,
}

impl Gaps {
    fn away(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RedisPubSub {
    /// Connects on behalf of the service; must be called within a tokio runtime.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use comms::broker::redis::{RedisPubSub, RedisPubSubConfig};
    ///
    /// let config: RedisPubSubConfig = "redis+pubsub://shop:secret@cache1:6379".parse()?;
    /// let broker = RedisPubSub::connect(config, "ticker").await?;
    /// # let _ = broker;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Redis::connect`](super::Redis::connect).
    pub async fn connect(config: RedisPubSubConfig, service_name: &str) -> Result<Self, BrokerError> {
        let to = To::Channels { sharded: config.server.cluster };
        let lanes = Lanes::connect(Arc::new(config.server), service_name, to).await?;
        Ok(Self { lanes, buffer: config.buffer, gaps: Arc::default() })
    }

    /// How often subscriptions of this connection missed messages, or may have.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps.count.load(Ordering::Relaxed)
    }
}

impl AtMostOnce for RedisPubSub {}

impl Broker for RedisPubSub {
    fn scheme(&self) -> &'static str {
        if self.lanes.home.config.tls { "rediss+pubsub" } else { "redis+pubsub" }
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        self.lanes.publish(envelope)
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let attempted = format!("subscribe `{}`", subscription.name());
            if self.lanes.home.stopping.is_cancelled() {
                return Err(BrokerError::closed(&attempted));
            }
            subscription.refuse_transactions(self.scheme())?;
            expect_little(&attempted, &subscription, self.lanes.home.config.cluster)?;
            let shared = self.lanes.of(&subscription)?;
            let follower = Follower::new(Arc::clone(&shared), &subscription, Arc::clone(&self.gaps));
            let followed = shared.patiently(&attempted, || follower.open()).await?;
            let consumer = ChannelConsumer::new(follower, followed, subscription.prefetch().max(1), self.buffer);
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        })
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        match (self.lanes.state(), self.gaps.away().values().next()) {
            (ConnectionState::Connected, Some(reason)) => ConnectionState::Reconnecting { reason: reason.clone() },
            (state, _) => state,
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.lanes.close())
    }
}

/// What channels can't do.
fn expect_little(attempted: &str, subscription: &Subscription, sharded: bool) -> Result<(), BrokerError> {
    if sharded && !subscription.topic.is_literal() {
        let message = format!(
            "could not {attempted}: the channels of a Redis Cluster are sharded (SSUBSCRIBE), and Redis has no patterns for those: subscribe to each topic, or choose redis://, whose streams know patterns"
        );
        return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
    }
    let wanted = if subscription.order.is_some() {
        "no order across members"
    } else if subscription.from == StartPosition::Earliest {
        "nothing of what was published before"
    } else {
        return Ok(());
    };
    let message = format!("could not {attempted}: Redis Pub/Sub delivers at most once, with {wanted}: choose a broker that keeps messages");
    Err(BrokerError::new(BrokerErrorKind::Unsupported, message))
}

fn keeps_none<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, BrokerError>> {
    let message = "Redis Pub/Sub keeps no messages: neither dead letters nor what waits";
    Box::pin(ready(Err(BrokerError::new(BrokerErrorKind::Unsupported, message))))
}

impl Admin for RedisPubSub {
    fn dead_letters<'a>(&'a self, _: &'a Subscription, _: &'a DeadLetterFilter) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        keeps_none()
    }

    fn replay<'a>(&'a self, _: &'a Subscription, _: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        keeps_none()
    }

    fn purge<'a>(&'a self, _: &'a Subscription, _: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        keeps_none()
    }

    /// Channels are not declared.
    fn plan<'a>(&'a self, _: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn apply<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        self.plan(subscriptions)
    }

    fn lag<'a>(&'a self, _: &'a Subscription) -> BoxFuture<'a, Result<crate::broker::Lag, BrokerError>> {
        keeps_none()
    }
}
