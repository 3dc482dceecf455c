//! Why a call has no result.

use std::fmt;
use std::time::Duration;

use super::{Channel, TransportError, TransportErrorKind, retry_after};
use crate::config::format_duration;
use crate::error::{Advice, BoxError, Class, Classify, Fault, chain_text};
use crate::http::{Problem, Verb};

/// What was called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The name of the client.
    pub client: &'static str,
    /// The name of the method.
    pub method: &'static str,
    /// The method of the request.
    pub verb: Verb,
    /// The path as declared: `/charges/{id}`.
    pub path: &'static str,
    /// Where the request was sent; empty when it was not.
    pub address: String,
}

impl Target {
    /// With the addresses of the channel.
    pub(super) fn at(self, channel: &Channel) -> Self {
        Self { address: channel.to_string(), ..self }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, method, verb, path, address } = self;
        write!(f, "`{method}` of `{client}` ({verb} {path}")?;
        if address.is_empty() { f.write_str(")") } else { write!(f, ", at {address})") }
    }
}

/// Why a call over HTTP has no result. `E` is the service's own error type.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The service refused, and this is what it said; with the class that it gave the error, and the advice to wait,
    /// if it says how long it wants to be left alone.
    Refused(E, Class, Option<Advice>),
    /// The service, or something before it, answered with another problem, or with the status of an error.
    Problem {
        /// What it said.
        problem: Problem,
        /// What was called.
        target: Box<Target>,
    },
    /// No address could be connected to, or a layer of the client held the call back: it was not made.
    Unreachable {
        /// What was called.
        target: Box<Target>,
        /// Which addresses, and why.
        source: TransportError,
    },
    /// The connection was lost: nobody knows whether the call was carried out.
    Broken {
        /// What was called.
        target: Box<Target>,
        /// What happened to it.
        source: BoxError,
    },
    /// No answer, or not all of it, came in time: nobody knows whether the call was carried out.
    Deadline {
        /// What was called.
        target: Box<Target>,
        /// How long was waited; zero when the deadline had passed before, and the call was not made.
        waited: Duration,
    },
    /// The answer can't be read: too large, no JSON, or not of the type. The call was carried out.
    Answer {
        /// What was called.
        target: Box<Target>,
        /// What is wrong with it.
        reason: String,
    },
    /// The arguments can't be put into a request: the call was not made.
    Request {
        /// What was called.
        target: Box<Target>,
        /// Each argument, and why.
        reasons: Vec<String>,
    },
}

impl<E> CallError<E> {
    /// The service's own error, if that is what it is.
    pub fn refused(self) -> Option<E> {
        match self {
            Self::Refused(error, ..) => Some(error),
            _ => None,
        }
    }

    /// The problem, if that is what was answered and it is none of the service's own errors.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// How long the service wants to be left alone before the next attempt, from the header `retry-after`; counted from the answer
    /// where it says a time, and until that moment where it says a date.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(_, _, advice) => advice.as_ref()?.retry_delay(),
            Self::Problem { problem, .. } => retry_after::read(problem.headers()),
            _ => None,
        }
    }

    fn of_transport(target: Target, source: TransportError) -> Self {
        let target = Box::new(Target { address: source.address().to_owned(), ..target });
        match source.kind() {
            TransportErrorKind::Unreachable | TransportErrorKind::Withheld => Self::Unreachable { target, source },
            TransportErrorKind::Broken | TransportErrorKind::Deadline => Self::Broken { target, source: source.into() },
        }
    }
}

/// A call without an answer, before it is known whose.
#[derive(Debug)]
pub(super) enum Lost {
    Transport(TransportError),
    /// The body broke off.
    Broken(BoxError),
    /// Nothing more of the body came for so long.
    Stalled(Duration),
    Answer(String),
}

/// A call without an answer.
pub(super) enum Failed {
    Lost(Target, Lost),
    Deadline(Target, Duration),
    Request(Target, Vec<String>),
}

impl Failed {
    pub(super) fn into_call_error<E>(self) -> CallError<E> {
        match self {
            Self::Lost(target, Lost::Transport(source)) => CallError::of_transport(target, source),
            Self::Lost(target, Lost::Broken(source)) => CallError::Broken { target: Box::new(target), source },
            Self::Lost(target, Lost::Stalled(waited)) | Self::Deadline(target, waited) => {
                CallError::Deadline { target: Box::new(target), waited }
            }
            Self::Lost(target, Lost::Answer(reason)) => CallError::Answer { target: Box::new(target), reason },
            Self::Request(target, reasons) => CallError::Request { target: Box::new(target), reasons },
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error, ..) => error.fmt(f),
            Self::Problem { problem, target } => write!(f, "{target} answered {problem}"),
            Self::Unreachable { target, source } => write!(f, "{target} was not called: {source}"),
            Self::Broken { target, source } => {
                let why = chain_text(source.as_ref()).join(": ");
                write!(f, "{target} broke off ({why}): nobody knows whether it was carried out")
            }
            Self::Deadline { target, waited } if waited.is_zero() => {
                write!(f, "{target} was not called: the deadline had passed before")
            }
            Self::Deadline { target, waited } => {
                write!(f, "{target} did not answer within {}: nobody knows whether it was carried out", format_duration(*waited))
            }
            Self::Answer { target, reason } => write!(f, "the answer of {target} can't be read: {reason}"),
            Self::Request { target, reasons } => write!(f, "{target} was not called: {}", reasons.join("; ")),
        }
    }
}

/// Its source is the [`Advice`] that follows from it: how a handler that failed for it is retried.
impl<E: fmt::Debug + fmt::Display> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Refused(_, _, Some(advice)) => advice,
            Self::Problem { problem, .. } => problem.advice().unwrap_or_else(|| Advice::of(self.class())),
            _ => Advice::of(self.class()),
        })
    }
}

/// What a failed call means for the work that made it.
///
/// That of a problem follows from its status: 408, 425, 429, 502, 503 and 504 are retryable, the other ones below 500
/// permanent, and the rest unknown.
impl<E> Classify for CallError<E> {
    fn class(&self) -> Class {
        match self {
            Self::Refused(_, class, _) => *class,
            Self::Problem { problem, .. } => class_of_status(problem.status()),
            Self::Unreachable { source, .. } => source.class(),
            Self::Broken { .. } | Self::Deadline { .. } => Class::Unknown,
            Self::Answer { .. } | Self::Request { .. } => Class::Permanent,
        }
    }
}

/// What the status of an error means.
pub(super) fn class_of_status(status: u16) -> Class {
    match status {
        408 | 425 | 429 | 502 | 503 | 504 => Class::Retryable,
        400..500 => Class::Permanent,
        _ => Class::Unknown,
    }
}

impl<E> From<CallError<E>> for Fault
where
    E: fmt::Debug + fmt::Display + Send + Sync + 'static,
{
    fn from(error: CallError<E>) -> Self {
        Self::new(error.class(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_passes_is_worth_another_attempt() {
        for (statuses, class) in [
            (&[408, 425, 429, 502, 503, 504][..], Class::Retryable),
            (&[400, 401, 404, 409, 422, 424, 426, 428, 499], Class::Permanent),
            (&[500, 501, 505, 599, 304], Class::Unknown),
        ] {
            for status in statuses {
                assert_eq!(class_of_status(*status), class, "{status}");
            }
        }
    }
}
