//! Why a command or query has no reply.

use std::time::Duration;

use crate::broker::BrokerError;
use crate::error::{Class, Classify, Failure};
use crate::message::CodecError;

/// Why a command or query has no reply. `E` is the handler's own error type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler refused, and this is what it said.
    #[error("{0}")]
    Refused(E),
    /// The handler panicked, ran out of time, or could not read the message.
    #[error("the handler of `{message}` failed: {failure}")]
    Failed {
        /// The wire name of the request.
        message: &'static str,
        /// What happened there.
        failure: Failure,
    },
    /// No running service handles it.
    #[error("nobody handles `{message}`: is `{owner}`, the service that owns it, running and connected to the broker `{broker}`?")]
    NoHandler {
        /// The wire name of the request.
        message: &'static str,
        /// The service that owns it.
        owner: &'static str,
        /// The named broker that it was sent over.
        broker: &'static str,
    },
    /// No reply came in time. The request may still be carried out.
    #[error("no reply to `{message}` within {patience:?}: nobody knows whether it was carried out")]
    Deadline {
        /// The wire name of the request.
        message: &'static str,
        /// How long the caller waited.
        patience: Duration,
    },
    /// The request or the reply could not be encoded or decoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The broker could not carry the request.
    #[error("could not send `{message}`")]
    Broker {
        /// The wire name of the request.
        message: &'static str,
        /// What the broker said.
        source: BrokerError,
    },
}

impl<E> CallError<E> {
    /// The handler's own error, if that is what it is.
    pub fn refused(self) -> Option<E> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl<E> Classify for CallError<E> {
    fn class(&self) -> Class {
        match self {
            Self::Refused(_) | Self::Codec(_) => Class::Permanent,
            Self::Failed { failure, .. } => failure.class,
            Self::NoHandler { .. } => Class::Retryable,
            Self::Deadline { .. } => Class::Unknown,
            Self::Broker { source, .. } => source.class(),
        }
    }
}
