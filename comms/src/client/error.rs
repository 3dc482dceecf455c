//! Why a request could not be carried.

use std::fmt;
use std::time::Duration;

use super::InvalidAddress;
use crate::config::format_duration;
use crate::error::{BoxError, Class, Classify, chain_text};

/// What became of a request that has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No address could be connected to: the request was not sent.
    Unreachable,
    /// A layer around the channel held the request back: it was not sent.
    Withheld,
    /// The connection was lost, or spoke something else, or a layer around the channel failed: nobody knows whether the request was
    /// carried out.
    Broken,
    /// No answer came in time: nobody knows whether the request was carried out.
    Deadline,
}

/// A request that could not be carried to its service, or whose answer did not come.
#[derive(Debug)]
pub struct TransportError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: TransportErrorKind,
    client: &'static str,
    address: String,
    text: String,
    source: Option<BoxError>,
}

impl TransportError {
    /// Each address that was tried, and why that failed.
    pub(super) fn unreachable(client: &'static str, tried: &[(String, String)], source: Option<BoxError>) -> Self {
        let addresses: Vec<&str> = tried.iter().map(|(address, _)| address.as_str()).collect();
        let reasons: Vec<String> = tried.iter().map(|(address, why)| format!("{address} ({why})")).collect();
        let text = match reasons.as_slice() {
            [] => format!("there is no address of `{client}` now"),
            reasons => format!("could not connect to `{client}` at {}: is it running there?", reasons.join(", nor at ")),
        };
        Self(Box::new(Inner { kind: TransportErrorKind::Unreachable, client, address: addresses.join(", "), text, source }))
    }

    pub(super) fn broken(client: &'static str, address: &str, source: BoxError) -> Self {
        let why = chain_text(source.as_ref()).join(": ");
        let text = format!("the connection to `{client}` at {address} was lost before the answer ({why})");
        Self(Box::new(Inner { kind: TransportErrorKind::Broken, client, address: address.to_owned(), text, source: None }))
    }

    pub(super) fn deadline(client: &'static str, address: &str, waited: Duration) -> Self {
        let text = format!(
            "`{client}` at {address} did not begin to answer within {}, its `attempt_timeout` under [clients.{client}]",
            format_duration(waited)
        );
        Self(Box::new(Inner { kind: TransportErrorKind::Deadline, client, address: address.to_owned(), text, source: None }))
    }

    /// A layer around the channel of the client has not sent the request, and why: a breaker is open, too many wait.
    pub fn withheld(client: &'static str, reason: impl Into<BoxError>) -> Self {
        let source = reason.into();
        let text = format!("`{client}` was not asked: {}", chain_text(source.as_ref()).join(": "));
        Self(Box::new(Inner { kind: TransportErrorKind::Withheld, client, address: String::new(), text, source: None }))
    }

    /// What came out of a layer: an error of a channel as it is, any other one as one that says nothing of the request.
    pub(super) fn of_layer(client: &'static str, error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => {
                let text = format!("a layer of the client `{client}` failed: {}", chain_text(error.as_ref()).join(": "));
                Self(Box::new(Inner { kind: TransportErrorKind::Broken, client, address: String::new(), text, source: None }))
            }
        }
    }

    /// What became of the request.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// The name of the client.
    #[must_use]
    pub fn client(&self) -> &'static str {
        self.0.client
    }

    /// Where it was sent; all that were tried when none could be reached; empty where a layer had the last word.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

impl Classify for TransportError {
    fn class(&self) -> Class {
        match self.kind() {
            TransportErrorKind::Unreachable | TransportErrorKind::Withheld => Class::Retryable,
            TransportErrorKind::Broken | TransportErrorKind::Deadline => Class::Unknown,
        }
    }
}

/// A channel that can't be made of its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// Nobody says where the service is.
    #[error("no address of `{client}` is known: set `addresses = [\"http://host:port\"]` under [clients.{client}]")]
    NoAddress {
        /// The name of the client.
        client: &'static str,
    },
    /// An address is none.
    #[error("[clients.{client}] addresses: {source}")]
    Address {
        /// The name of the client.
        client: &'static str,
        /// What is wrong with it.
        source: InvalidAddress,
    },
    /// TLS can't be had.
    #[error("[clients.{client}] {reason}")]
    Tls {
        /// The name of the client.
        client: &'static str,
        /// Why, and what to do.
        reason: String,
    },
}
