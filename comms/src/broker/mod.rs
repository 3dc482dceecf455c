//! The contract of a message broker, which every backend keeps and nothing above looks behind.
//!
//! A backend knows topics, groups, envelopes and how to settle them. It knows nothing of message
//! types, handlers or attempts: when to retry and when to give up is the inbound pipeline's to say.

mod admin;
mod at_most_once;
mod confirm;
mod delivery;
mod error;
mod handled;
#[cfg(feature = "kafka")]
pub mod kafka;
mod lag;
pub mod memory;
#[cfg(any(feature = "rabbitmq", feature = "redis-tls"))]
mod pem;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "redis")]
pub mod redis;
mod subscription;
mod topic;
#[cfg(any(feature = "kafka", feature = "rabbitmq", feature = "redis"))]
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::message::Envelope;
use crate::metrics::ClientSnapshot;

pub use admin::{Admin, DeadLetter, DeadLetterFilter, PlanItem, PlanStep, Provenance, REPLAYED};
pub use at_most_once::AtMostOnce;
pub use confirm::{Confirm, Publishing, Reach, Receipt};
pub use delivery::{Consumer, Delivery, Settle, Shard};
pub use error::{BrokerError, BrokerErrorKind};
pub use handled::Handled;
pub use lag::{Lag, PartLag, Position};
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
    /// How long a message may be held unsettled before the broker takes it for lost and gives it to another member; nothing where it may be
    /// held as long as the connection lives.
    pub settle_within: Option<Duration>,
    /// What a handler publishes and that its message is settled can become visible together: the option `transactional` of a handler.
    pub transactional: bool,
    /// No ability but a lack, see [`AtMostOnce`]: what nobody is there to take is lost, and nothing comes again.
    pub at_most_once: bool,
}

impl dyn Broker {
    /// A number that no other broker has while this one is there.
    pub(crate) fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Capabilities {
    /// None of them; switch on what a backend has.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            durable: false,
            replayable: false,
            delayed: false,
            key_isolated: false,
            reports_unrouted: false,
            settle_within: None,
            transactional: false,
            at_most_once: false,
        }
    }

    /// All of them, and no lack.
    pub(crate) const fn all() -> Self {
        Self {
            durable: true,
            replayable: true,
            delayed: true,
            key_isolated: true,
            reports_unrouted: true,
            settle_within: None,
            transactional: true,
            at_most_once: false,
        }
    }
}

/// How a connection to a broker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Work flows.
    Connected,
    /// Connected, and the server takes no messages for now (it is short of memory or disk): publishing waits, consuming goes on.
    Blocked {
        /// What the server says.
        reason: String,
    },
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

    /// Says of a message that is to be sent in the transaction of a handler what can be said before: whether it is too large, whether there is
    /// a topic for it. Back-pressure is here. Asked of brokers with the capability only.
    ///
    /// # Errors
    /// As of [`publish`](Self::publish); here [`BrokerErrorKind::Unsupported`].
    fn prepare<'a>(&'a self, envelope: &'a Arc<Envelope>) -> BoxFuture<'a, Result<(), BrokerError>> {
        let message = format!("could not publish to `{}` in a transaction: the broker ({}) has none", envelope.topic, self.scheme());
        Box::pin(std::future::ready(Err(BrokerError::new(BrokerErrorKind::Unsupported, message))))
    }

    /// Declares what the subscription needs (idempotently) and starts to consume.
    ///
    /// What is published once this has returned reaches the group. The consumer outlives lost
    /// connections; it ends only when the broker is closed or the consumer dropped.
    fn subscribe(&self, subscription: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>>;

    /// Where the broker itself remembers, for the time of `window`, what the subscription's group has handled: all its members see it, and a
    /// restart forgets nothing. `None` where it keeps no such thing; each process remembers by itself then.
    fn handled(&self, _subscription: &Subscription, _window: Duration) -> Option<Arc<dyn Handled>> {
        None
    }

    /// Dead letters and topology, for operators.
    fn admin(&self) -> &dyn Admin;

    /// How the connection is doing.
    fn state(&self) -> ConnectionState;

    /// Resolves once [`state`](Self::state) may say something else than it did when this was called. Nothing where the backend can't
    /// tell: it is asked now and then.
    fn state_changed(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// What the clients that it is made of last reported of themselves, for the metrics. Nothing where the backend has no such reports.
    fn clients(&self) -> Vec<ClientSnapshot> {
        Vec::new()
    }

    /// Writes out what is still buffered (acknowledgements, publishes) and closes. Idempotent.
    fn close(&self) -> BoxFuture<'_, ()>;
}
