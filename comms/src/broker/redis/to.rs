//! What is published to, and when that counts as done.

use std::time::Duration;

use redis::Value;

use super::RedisConfig;
use super::fields::number;
use crate::broker::{BrokerError, BrokerErrorKind, Reach};

/// What is published to.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// The streams of the topics.
    Streams(Option<Replicas>),
    /// Channels, which keep nothing. What was sent and not answered is never sent again: it may have been delivered.
    Channels {
        /// Of a cluster, where each channel has a node.
        sharded: bool,
    },
}

impl To {
    pub(super) fn replicas(self) -> Option<Replicas> {
        match self {
            Self::Streams(replicas) => replicas,
            Self::Channels { .. } => None,
        }
    }

    /// Whom the message reached, from the answer to the command that published it.
    pub(super) fn reach(self, answer: &Value) -> Reach {
        match (self, number(answer)) {
            (Self::Streams(_), _) => Reach::Unknown,
            (Self::Channels { .. }, 0) => Reach::Unrouted,
            (Self::Channels { .. }, _) => Reach::Subscribed,
        }
    }
}

/// Replicas that must have a message before it counts as confirmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replicas {
    pub(super) wanted: usize,
    pub(super) within: Duration,
}

impl Replicas {
    /// What the URL asks for.
    pub(super) fn of(config: &RedisConfig) -> Option<Self> {
        (config.wait > 0).then_some(Self { wanted: config.wait, within: config.wait_timeout })
    }

    /// From the answer to `WAIT`.
    pub(super) fn confirm(self, answer: Value) -> Result<(), BrokerError> {
        let Self { wanted, within } = self;
        let what = match answer.extract_error() {
            Ok(Value::Int(count)) if usize::try_from(count).is_ok_and(|count| count >= wanted) => return Ok(()),
            Ok(Value::Int(count)) => format!("{count} of {wanted} replicas had the message within {within:?}"),
            Ok(other) => format!("WAIT was answered with {other:?}"),
            Err(error) => format!("WAIT was answered with {error}"),
        };
        let message = format!(
            "the Redis server has the message, but {what} (`wait={wanted}` in the URL): whether it outlives a failover is unknown; look after the replicas"
        );
        Err(BrokerError::new(BrokerErrorKind::Unknown, message))
    }
}
