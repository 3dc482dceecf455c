//! What can go wrong between us and a broker.

use crate::error::{BoxError, Class, Classify};

/// The kinds of broker failure that a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BrokerErrorKind {
    /// The URL or an option in it is wrong.
    Config,
    /// No connection, or it was lost.
    Connection,
    /// User, password, certificate or permission.
    Authentication,
    /// What exists on the broker differs from what is declared.
    Topology,
    /// The message is larger than the broker or the configuration allows.
    TooLarge,
    /// The broker refused the message for another reason.
    Refused,
    /// Time ran out before the broker answered: nobody knows whether it took the message.
    Unknown,
    /// The broker object was closed.
    Closed,
    /// The backend lacks a capability that was asked for.
    Unsupported,
}

/// A failed operation on a broker: what was attempted, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BrokerError {
    kind: BrokerErrorKind,
    message: String,
    source: Option<BoxError>,
}

impl BrokerError {
    /// An error whose message says what was attempted, on what, and what to do.
    pub fn new(kind: BrokerErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error of every operation on a broker that was closed.
    #[must_use]
    pub fn closed(attempted: &str) -> Self {
        Self::new(BrokerErrorKind::Closed, format!("could not {attempted}: the broker connection was closed by this process"))
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> BrokerErrorKind {
        self.kind
    }
}

impl Classify for BrokerError {
    fn class(&self) -> Class {
        match self.kind {
            BrokerErrorKind::Connection | BrokerErrorKind::Refused => Class::Retryable,
            BrokerErrorKind::Unknown => Class::Unknown,
            _ => Class::Permanent,
        }
    }
}
