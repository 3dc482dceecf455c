//! The embedded broker.
//!
//! It keeps the whole delivery contract within one process: groups that outlive their members, redelivery,
//! delays, order, dead letters, back-pressure. It has no thread and no task of its own; what is delayed
//! comes back by tokio's clock, the virtual one too, while a member of the group waits for it.
//!
//! | URL | broker |
//! |---|---|
//! | `memory:` | a new one, private to who opened it |
//! | `memory:shop` | the one that this process knows as `shop`; it lives as long as its last connection |
//! | `memory:?log=1000` | keeps the last 1000 messages, so that a new group can start with the earliest |
//! | `memory:?capacity=500` | publishing waits while a group holds back 500 messages |
//! | `memory:?record=100` | [`Memory::published`] tells the last 100 messages |
//!
//! The further options are in [`MemoryConfig`].
//!
//! What differs from a networked broker is declared: it is not durable beyond the process. In an ordered
//! subscription the shards are dealt out to the members; a message without a key has no order to keep and
//! goes to the shards in turn. A consumer that is dropped gives back what it has not settled; settle
//! first, then drop it.

mod admin;
mod config;
mod consumer;
mod counters;
mod group;
mod hub;
mod publisher;
mod state;
mod transaction;
mod unsettled;
mod wakers;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, pending, ready};
use tokio::sync::{Notify, watch};

use super::{Admin, Broker, BrokerError, Capabilities, ConnectionState, Consumer, Publishing, Subscription};
use crate::message::Envelope;
use config::Address;
use consumer::MemoryConsumer;
use hub::Hub;
use state::Member;

pub use config::MemoryConfig;
pub use counters::InFlight;
pub use hub::Published;

/// A connection to a memory broker. Its clones are the same connection: closing one closes all.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    id: u64,
    hub: Arc<Hub>,
    closed: AtomicBool,
    /// Told when it is closed.
    closing: Notify,
    /// The same, for those who don't keep the connection.
    closed_once: watch::Sender<bool>,
}

impl Memory {
    /// A new broker with the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(MemoryConfig::default())
    }

    /// A new broker.
    #[must_use]
    pub fn with_config(config: MemoryConfig) -> Self {
        Self::to(Hub::new(config))
    }

    /// Connects to the broker that this process knows by that name; makes it, with the default options,
    /// when there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        // Only options can be in conflict, and none are given.
        Self::to(Hub::named(name, None).unwrap_or_else(|_| Hub::new(MemoryConfig::default())))
    }

    /// Opens a URL, see the [module](self).
    ///
    /// # Errors
    /// [`Config`](super::BrokerErrorKind::Config) when the URL is wrong, or states options for a named broker
    /// that is open with others.
    pub fn open(url: &str) -> Result<Self, BrokerError> {
        let Address { name, config } = Address::parse(url)?;
        match name {
            Some(name) => Hub::named(&name, config).map(Self::to),
            None => Ok(Self::with_config(config.unwrap_or_default())),
        }
    }

    /// What a broker with this URL can do, without opening it.
    pub(crate) fn capabilities_of(url: &str) -> Result<Capabilities, BrokerError> {
        Ok(capabilities(&Address::parse(url)?.config.unwrap_or_default()))
    }

    fn to(hub: Arc<Hub>) -> Self {
        Self(Arc::new(Connection {
            id: hub.next_id(),
            hub,
            closed: AtomicBool::new(false),
            closing: Notify::new(),
            closed_once: watch::Sender::new(false),
        }))
    }

    /// A further connection to the same broker, as another instance of a service would have.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self::to(Arc::clone(&self.0.hub))
    }

    /// What is not settled yet, in all groups.
    #[must_use]
    pub fn in_flight(&self) -> InFlight {
        self.0.hub.in_flight()
    }

    /// Resolves once nothing is queued, unsettled or delayed in any group. Does not resolve while a group
    /// without members holds messages.
    pub async fn settled(&self) {
        self.0.hub.counters.settled().await;
    }

    /// Resolves once nothing is queued or unsettled in any group; messages may wait for a retry's delay.
    pub async fn quiet(&self) {
        self.0.hub.counters.quiet().await;
    }

    /// The last published messages, oldest first, as many as [`MemoryConfig::record`] says.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.0.hub.published()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    fn subscribe(&self, subscription: &Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(BrokerError::closed("subscribe"));
            }
            let group = self.hub.declare(subscription)?;
            let member = self.hub.next_id();
            // An ephemeral group may have ended in between; the next turn makes a new one.
            if !group.join(Member::new(member, self.id, subscription.prefetch())) {
                self.hub.remove(&group);
                continue;
            }
            let consumer = MemoryConsumer::new(&self.hub, group, member);
            // Closed in between: dropping the consumer undoes it, and the next turn says so.
            if !self.closed.load(Ordering::Acquire) {
                return Ok(Box::new(consumer));
            }
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.closing.notify_waiters();
        self.closed_once.send_replace(true);
        for group in self.hub.groups() {
            if group.leave(|member| member.connection == self.id) {
                self.hub.remove(&group);
            }
        }
    }
}

fn capabilities(config: &MemoryConfig) -> Capabilities {
    let log = config.log > 0;
    Capabilities { replayable: log, delayed: true, reports_unrouted: !log, transactional: true, ..Capabilities::none() }
}

impl Broker for Memory {
    fn scheme(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.0.hub.config)
    }

    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_> {
        self.0.publish(envelope)
    }

    fn prepare<'a>(&'a self, envelope: &'a Arc<Envelope>) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(self.0.prepare(envelope))
    }

    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(ready(self.0.subscribe(&subscription)))
    }

    fn admin(&self) -> &dyn Admin {
        &*self.0
    }

    fn state(&self) -> ConnectionState {
        if self.0.closed.load(Ordering::Acquire) { ConnectionState::Closed } else { ConnectionState::Connected }
    }

    fn state_changed(&self) -> Option<BoxFuture<'static, ()>> {
        let mut closed = self.0.closed_once.subscribe();
        Some(Box::pin(async move {
            if closed.changed().await.is_err() {
                // Dropped: it has no state any more.
                pending().await
            }
        }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close();
        Box::pin(ready(()))
    }
}
