//! The contract of a message broker, which every backend keeps and nothing above looks behind.
//!
//! A backend knows topics, groups, envelopes and how to settle them. It knows nothing of message
//! types, handlers or attempts: when to retry and when to give up is the inbound pipeline's to say.

mod admin;
mod confirm;
mod delivery;
mod error;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "redis")]
pub mod redis;
mod subscription;
#[cfg(any(feature = "kafka", feature = "rabbitmq", feature = "redis"))]
mod text;
mod topic;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::message::Envelope;

pub use admin::{Admin, DeadLetter, DeadLetterFilter, PlanItem, PlanStep, Provenance, REPLAYED};
pub use confirm::{Confirm, Publishing, Reach, Receipt};
pub use delivery::{Consumer, Delivery, Settle, Shard};
pub use error::{BrokerError, BrokerErrorKind};
pub use subscription::{Order, StartPosition, Subscription, shard_of};
pub use topic::{InvalidTopic, TopicPattern, validate_topic};

/// What a backend can do beyond the universal contract. Checked against what is declared before start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// What was confirmed survives a restart of the broker.
    pub durable: bool,
    /// A new group can start with what was published before it existed.
    pub replayable: bool,
    /// A message can be held back for a time without a consumer's slot.
    pub delayed: bool,
    /// In an ordered subscription a key that fails holds up no other key of its shard.
    pub key_isolated: bool,
    /// The broker knows at publish time whether any subscription gets the message.
    pub reports_unrouted: bool,
}

impl Capabilities {
    /// None of them; switch on what a backend has.
    #[must_use]
    pub const fn none() -> Self {
        Self { durable: false, replayable: false, delayed: false, key_isolated: false, reports_unrouted: false }
    }

    /// All of them.
    pub(crate) const fn all() -> Self {
        Self { durable: true, replayable: true, delayed: true, key_isolated: true, reports_unrouted: true }
    }
}

/// How a connection to a broker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Work flows.
    Connected,
    /// Lost, and being re-established; work waits.
    Reconnecting {
        /// Why it was lost, or why the last try failed.
        reason: String,
    },
    /// Closed by us.
    Closed,
}

/// A message broker.
///
/// One value is one connection (or pool of them) that repairs itself; all methods can be called at any
/// time from any task.
pub trait Broker: fmt::Debug + Send + Sync + 'static {
    /// The URL scheme, for diagnoses: `memory`, `amqp`.
    fn scheme(&self) -> &'static str;

    /// What this backend can do beyond the universal contract.
    fn capabilities(&self) -> Capabilities;

    /// Hands a message over. The returned future resolves when the message is on its way (back-pressure
    /// is here), its [`Confirm`] once the broker has taken responsibility.
    ///
    /// Transient faults are waited out inside, up to the message's deadline or, without one, the
    /// backend's configured publish timeout; after that the outcome is [`BrokerErrorKind::Unknown`].
    fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'_>;

    /// Declares what the subscription needs (idempotently) and starts to consume.
    ///
    /// What is published once this has returned reaches the group. The consumer outlives lost
    /// connections; it ends only when the broker is closed or the consumer dropped.
    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>>;

    /// Dead letters and topology, for operators.
    fn admin(&self) -> &dyn Admin;

    /// How the connection is doing.
    fn state(&self) -> ConnectionState;

    /// Resolves once [`state`](Self::state) may say something else than it did when this was called. Nothing where the backend can't
    /// tell: it is asked now and then.
    fn state_changed(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// Writes out what is still buffered (acknowledgements, publishes) and closes. Idempotent.
    fn close(&self) -> BoxFuture<'_, ()>;
}
