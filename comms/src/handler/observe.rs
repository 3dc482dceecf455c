//! What happened to messages: what is counted of it, and a seam where others listen.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::message::Envelope;
pub use crate::metrics::Counters;

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
