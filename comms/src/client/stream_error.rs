//! Why an answer that was read as a stream has no end.

use std::fmt;
use std::time::Duration;

use super::Target;
use crate::config::format_duration;
use crate::error::{Advice, Class, Classify, chain_text};

/// What became of a stream that has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// The service or the connection broke off.
    Broken,
    /// Nothing came for as long as the client waits.
    Stalled,
    /// A piece of it is no such piece: an event that is too large.
    Unreadable,
}

/// An answer that did not come to its end, and how much of it came.
#[derive(Debug)]
pub struct StreamError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: StreamErrorKind,
    target: Target,
    why: String,
}

impl StreamError {
    fn new(kind: StreamErrorKind, target: &Target, why: String) -> Self {
        Self(Box::new(Inner { kind, target: target.clone(), why }))
    }

    pub(super) fn broken(target: &Target, taken: u64, error: &(dyn std::error::Error + 'static)) -> Self {
        let why = chain_text(error).join(": ");
        Self::new(StreamErrorKind::Broken, target, format!("broke off after {taken} bytes ({why})"))
    }

    pub(super) fn stalled(target: &Target, taken: u64, waited: Duration) -> Self {
        let (waited, client) = (format_duration(waited), target.client);
        let why = format!("stalled after {taken} bytes: nothing more came within {waited}, the `read_timeout` under [clients.{client}]");
        Self::new(StreamErrorKind::Stalled, target, why)
    }

    pub(super) fn within_an_event(target: &Target) -> Self {
        Self::new(StreamErrorKind::Broken, target, "broke off: it ended in the middle of an event".to_owned())
    }

    pub(super) fn too_large(target: &Target, limit: usize) -> Self {
        let why = format!("has an event of more than {limit} bytes: raise `answer_limit` under [clients.{}]", target.client);
        Self::new(StreamErrorKind::Unreadable, target, why)
    }

    /// What became of it.
    #[must_use]
    pub fn kind(&self) -> StreamErrorKind {
        self.0.kind
    }

    /// What was called.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0.target
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer of {} {}", self.0.target, self.0.why)
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(Advice::of(self.class()))
    }
}

impl Classify for StreamError {
    fn class(&self) -> Class {
        match self.kind() {
            StreamErrorKind::Broken | StreamErrorKind::Stalled => Class::Unknown,
            StreamErrorKind::Unreadable => Class::Permanent,
        }
    }
}
