//! What is counted while messages flow. A count costs one addition that waits for nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::Histogram;
use super::snapshot::PublishSnapshot;

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
    /// Messages that the broker had delivered before: after a crash, a lost connection, a rebalance.
    pub redelivered: AtomicU64,
    /// Messages in the hands of handlers now.
    pub in_flight: AtomicU64,
    /// How long messages took from being taken up to being settled or given back, the waits between immediate attempts included. Messages that
    /// are settled one right after the other are measured together.
    pub handle_time: Histogram,
}

/// How a message that was handed to a broker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// The broker has it, and some subscription gets it, or the broker does not say.
    Confirmed,
    /// The broker has it, and no subscription gets it.
    Unrouted,
    /// It was refused.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// What the publishers of one event have done since the process began.
#[derive(Debug, Default)]
pub(crate) struct PublishCounters {
    published: AtomicU64,
    confirmed: AtomicU64,
    unrouted: AtomicU64,
    failed: AtomicU64,
    unknown: AtomicU64,
}

impl PublishCounters {
    /// One was handed over.
    #[inline]
    pub(crate) fn published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// One has ended.
    #[inline]
    pub(crate) fn ended(&self, how: Published) {
        let counter = match how {
            Published::Confirmed => &self.confirmed,
            Published::Unrouted => {
                self.confirmed.fetch_add(1, Ordering::Relaxed);
                &self.unrouted
            }
            Published::Failed => &self.failed,
            Published::Unknown => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> PublishSnapshot {
        // What ended is read first, so that it is never more than what was published.
        let [confirmed, unrouted, failed, unknown] =
            [&self.confirmed, &self.unrouted, &self.failed, &self.unknown].map(|counter| counter.load(Ordering::Acquire));
        PublishSnapshot { published: self.published.load(Ordering::Acquire), confirmed, unrouted, failed, unknown }
    }
}

/// More outcomes than HTTP has classes of status, and one more than gRPC has codes.
pub(super) const OUTCOMES: usize = 18;

/// What became of the requests to one route, or of the calls of one method.
#[derive(Debug, Default)]
pub(crate) struct RequestCounters {
    /// By the class of the status (1 to 5), or by the code plus one; 0 for those that were abandoned.
    pub(super) outcomes: [AtomicU64; OUTCOMES],
    pub(super) time: Histogram,
}

#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "only ports take requests"))]
impl RequestCounters {
    /// A request was answered with this status of HTTP.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        self.ended(usize::from(status / 100), took);
    }

    /// A call of gRPC ended with this code.
    #[cfg(feature = "grpc")]
    pub(crate) fn called(&self, code: i32, took: Duration) {
        self.ended(usize::try_from(code).map_or(0, |code| code + 1), took);
    }

    /// Its client went away before it was answered.
    pub(crate) fn abandoned(&self, took: Duration) {
        self.ended(0, took);
    }

    fn ended(&self, outcome: usize, took: Duration) {
        self.outcomes.get(outcome).unwrap_or(&self.outcomes[0]).fetch_add(1, Ordering::Relaxed);
        self.time.observe(took, 1);
    }
}
