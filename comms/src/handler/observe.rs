//! What happened to messages: counters that are always kept, and a seam where tests listen.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::message::Envelope;

/// What became of one message in one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// Handled with success.
    Handled,
    /// Skipped: handled before, within the deduplication window.
    Duplicate,
    /// Skipped: the subscription never named this type.
    Skipped,
    /// An attempt failed; the next one follows after the delay.
    Retried {
        /// Which attempt failed, from 1.
        attempt: u32,
        /// When the next one follows.
        delay: Duration,
        /// What the handler said.
        error: String,
    },
    /// Given up.
    DeadLettered {
        /// Why, in a word.
        reason: &'static str,
        /// The last error.
        error: String,
    },
}

/// One thing that happened, and to what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observed {
    /// The group.
    pub group: Arc<str>,
    /// The handler; empty when none was chosen.
    pub handler: &'static str,
    /// The message.
    pub envelope: Arc<Envelope>,
    /// What became of it.
    pub happening: Happening,
}

/// Listens to what happens. Called on the hot path: it must not block.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, observed: Observed);
}

/// What one subscription has done since the process began.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Messages handled with success.
    pub handled: AtomicU64,
    /// Duplicates skipped.
    pub duplicates: AtomicU64,
    /// Messages of types that the subscription never named.
    pub skipped: AtomicU64,
    /// Failed attempts that were followed by another.
    pub retried: AtomicU64,
    /// Messages given up.
    pub dead_lettered: AtomicU64,
    /// Messages in the hands of handlers now.
    pub in_flight: AtomicU64,
}

impl Counters {
    #[inline]
    pub(crate) fn count(&self, happening: &Happening) {
        let counter = match happening {
            Happening::Handled => &self.handled,
            Happening::Duplicate => &self.duplicates,
            Happening::Skipped => &self.skipped,
            Happening::Retried { .. } => &self.retried,
            Happening::DeadLettered { .. } => &self.dead_lettered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
