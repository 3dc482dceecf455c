//! What is given up, and why.

use super::attempt::TimedOut;
use super::plan::Entry;
use super::policy;
use crate::broker::{Delivery, REPLAYED};
use crate::context::time_left;
use crate::error::{Class, Fault};
use crate::message::Envelope;

/// Why a message is given up, in the words of [`Provenance::reason`](crate::broker::Provenance::reason).
pub(super) mod reason {
    pub(crate) const FAILED: &str = "failed";
    pub(crate) const PERMANENT: &str = "permanent";
    pub(crate) const UNDECODABLE: &str = "undecodable";
    pub(crate) const NEWER_VERSION: &str = "newer-version";
    pub(crate) const OLDER_VERSION: &str = "older-version";
    pub(crate) const CRASHED: &str = "crashed";
    pub(crate) const PARKED: &str = "parked";
    pub(crate) const EXPIRED: &str = "expired";
}

/// A message that is given up.
pub(super) struct GivenUp {
    pub(super) reason: &'static str,
    pub(super) fault: Fault,
    pub(super) attempts: u32,
}

impl GivenUp {
    /// What is given up without an attempt.
    #[inline]
    pub(super) fn untried(entry: &Entry, delivery: &Delivery) -> Option<Self> {
        let metadata = &delivery.envelope().metadata;
        let is_common = metadata.version == entry.version && metadata.deadline.is_none();
        if is_common && policy::may_try(&entry.decl.retry, delivery.attempt(), delivery.is_again()) {
            None
        } else {
            Self::unusual(entry, delivery)
        }
    }

    #[cold]
    fn unusual(entry: &Entry, delivery: &Delivery) -> Option<Self> {
        let metadata = &delivery.envelope().metadata;
        let attempt = delivery.attempt();
        let refused = |reason, text: String| Some(Self { reason, fault: Fault::new(Class::Permanent, text), attempts: attempt - 1 });
        if metadata.version > entry.version {
            return refused(
                reason::NEWER_VERSION,
                format!(
                    "the message is version {} of `{}`, this service knows version {}: deploy a newer one, then replay",
                    metadata.version, metadata.name, entry.version
                ),
            );
        }
        if metadata.version < entry.version {
            return refused(
                reason::OLDER_VERSION,
                format!(
                    "the message is version {} of `{}`, this service knows only version {}",
                    metadata.version, metadata.name, entry.version
                ),
            );
        }
        if metadata.deadline.is_some_and(|deadline| time_left(deadline).is_zero()) {
            return refused(
                reason::EXPIRED,
                format!("the deadline {} is over: nobody waits for the result", metadata.deadline.unwrap_or_default()),
            );
        }
        if !policy::may_try(&entry.decl.retry, attempt, delivery.is_again()) {
            return refused(
                reason::CRASHED,
                format!(
                    "it was delivered before, which ended without a result ({} attempts counted): the process was killed, or lost its connection, while it had this message",
                    attempt - 1
                ),
            );
        }
        None
    }

    /// What is given up since its deadline has passed in the meantime.
    pub(super) fn expired(envelope: &Envelope, fault: Fault, attempts: u32) -> Self {
        let deadline = envelope.metadata.deadline.unwrap_or_default();
        // A part of the work may be done.
        let stopped = || {
            Fault::new(
                Class::Unknown,
                format!("the deadline {deadline} has passed: the handler was stopped, since nobody waits for the result"),
            )
        };
        Self { reason: reason::EXPIRED, fault: if fault.error.is::<TimedOut>() { stopped() } else { fault }, attempts }
    }

    /// What is given up because an earlier message of its key was.
    pub(super) fn parked(delivery: &Delivery) -> Self {
        Self {
            reason: reason::PARKED,
            fault: Fault::new(
                Class::Permanent,
                "an earlier message of this key is among the dead letters: replay the key's letters in order".to_owned(),
            ),
            attempts: delivery.attempt() - 1,
        }
    }
}

/// Whether an operator sent it again, who knows that it was here before.
pub(super) fn is_replayed(envelope: &Envelope) -> bool {
    envelope.metadata.extensions.contains_key(REPLAYED)
}
