//! What a service wants to receive.

use std::num::NonZeroU16;
use std::time::Duration;

use super::{BrokerError, BrokerErrorKind, TopicPattern};

/// Where a group that did not exist before begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StartPosition {
    /// With what is published once the subscription is declared.
    #[default]
    New,
    /// With the oldest message that the topic still holds; needs the replayable capability.
    Earliest,
}

/// That messages of one key are handled one after another, in publish order, across all members of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// How many shards the keys are hashed to; fixed once the group exists.
    pub shards: NonZeroU16,
}

/// A durable interest of a service in a topic, or in all topics of a pattern.
///
/// Members of one group share the messages; each group gets every one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// What is subscribed to.
    pub topic: TopicPattern,
    /// The consumer group.
    pub group: String,
    /// How many messages may be handled at once by this member; prefetch follows from it.
    pub concurrency: usize,
    /// Set if messages of one key keep their order.
    pub order: Option<Order>,
    /// Where a new group begins.
    pub from: StartPosition,
    /// For replies: the group belongs to this connection alone and ends with it, nothing is kept.
    pub ephemeral: bool,
    /// How long a message that a member took may stay unsettled before the broker gives it to another
    /// one, for backends that count time and not connections.
    pub visibility: Duration,
    /// Its deliveries may be settled together with what their handlers publish, see [`Delivery::commit`](super::Delivery::commit).
    pub transactional: bool,
}

impl Subscription {
    /// A shared, unordered subscription that begins with what is new.
    #[must_use]
    pub fn new(topic: TopicPattern, group: impl Into<String>) -> Self {
        Self {
            topic,
            group: group.into(),
            concurrency: 16,
            order: None,
            from: StartPosition::New,
            ephemeral: false,
            visibility: Duration::from_secs(60),
            transactional: false,
        }
    }

    /// For a backend without transactions.
    #[cfg_attr(not(any(feature = "rabbitmq", feature = "redis")), allow(dead_code, reason = "the backends that are built have them"))]
    pub(crate) fn refuse_transactions(&self, scheme: &str) -> Result<(), BrokerError> {
        if !self.transactional {
            return Ok(());
        }
        let message = format!(
            "could not subscribe `{}` with transactions: the broker ({scheme}) has none; take `transactional` from its handlers, or choose Kafka",
            self.name()
        );
        Err(BrokerError::new(BrokerErrorKind::Unsupported, message))
    }

    /// How many unsettled messages this member may hold: twice the concurrency, so that no handler
    /// waits for the network, but at most 1000 beyond it.
    #[must_use]
    pub fn prefetch(&self) -> usize {
        self.concurrency + self.concurrency.min(1000)
    }

    /// The name under which the backends keep this subscription: the group and what it listens to.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.group, self.topic)
    }
}

/// The shard of a key: FNV-1a (64 bit, <http://www.isthe.com/chongo/tech/comp/fnv/>) modulo the number
/// of shards. It is part of the wire contract: every publisher and every version must agree on it.
#[must_use]
pub fn shard_of(key: &str, shards: NonZeroU16) -> u16 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u16::try_from(hash % u64::from(shards.get())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_key_never_changes() {
        let shards = NonZeroU16::new(16).unwrap();
        assert_eq!([shard_of("", shards), shard_of("a", shards), shard_of("o-1", shards)], [5, 12, 8]);
    }
}
