//! The names of what is kept in Redis; docs/adr/0008-redis.md says what each is.

use std::sync::Arc;

use crate::broker::Subscription;

/// Makes the names; all begin with the prefix of the URL, and on a cluster with the tag behind it.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Those of a cluster that share the slot of the tag.
    pub(super) fn tagged(prefix: &str, tag: &str) -> Self {
        Self::new(&format!("{prefix}:{{{tag}}}"))
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The stream of a topic.
    pub(super) fn topic(&self, topic: &str) -> String {
        format!("{}:topic:{topic}", self.prefix)
    }

    /// The channel of a topic.
    pub(super) fn channel(&self, topic: &str) -> String {
        format!("{}:{topic}", self.prefix)
    }

    /// All topics, a sorted set by when they were first seen.
    pub(super) fn topics(&self) -> String {
        format!("{}:topics", self.prefix)
    }

    /// All groups, a set.
    pub(super) fn groups(&self) -> String {
        format!("{}:groups", self.prefix)
    }

    /// What belongs to a group.
    pub(super) fn group(&self, name: &str) -> GroupKeys {
        let base = format!("{}:group:{name}", self.prefix);
        GroupKeys {
            name: name.into(),
            again: format!("{base}:again"),
            delayed: format!("{base}:delayed"),
            dead: format!("{base}:dead"),
            members: format!("{base}:members"),
            owners: format!("{base}:owners"),
            handled: format!("{base}:handled"),
            base,
        }
    }
}

/// The names of what belongs to one group.
#[derive(Clone, Debug)]
pub(super) struct GroupKeys {
    /// As the consumer group of each stream: `group:pattern`.
    pub(super) name: Arc<str>,
    /// A hash: what the group was declared with.
    pub(super) base: String,
    /// A stream: what comes again to this group only.
    pub(super) again: String,
    /// A sorted set: what waits for a later attempt, by when it is due.
    pub(super) delayed: String,
    /// A stream: the dead letters.
    pub(super) dead: String,
    /// A sorted set: the members, by when their leases end.
    pub(super) members: String,
    /// A hash: the shards and who reads each.
    pub(super) owners: String,
    /// A sorted set: the ids of messages that were handled, where that is remembered, by when.
    pub(super) handled: String,
}

impl GroupKeys {
    /// The stream of a shard.
    pub(super) fn shard(&self, index: u16) -> String {
        format!("{}:shard:{index}", self.base)
    }

    /// Where a message without another place comes again: the stream of its shard, or that of the whole group.
    pub(super) fn entry(&self, shard: Option<u16>) -> String {
        shard.map_or_else(|| self.again.clone(), |index| self.shard(index))
    }
}

/// What a group is called in Redis.
pub(super) fn group_name(subscription: &Subscription) -> String {
    format!("{}:{}", subscription.group, subscription.topic)
}
