//! What a process counts: messages, requests, connections, lag.
//!
//! Counting is always on and costs a few instructions. [`Metrics`] is injectable: its [`snapshot`](Metrics::snapshot) is plain data for an
//! exporter of your own, and [`text`](Metrics::text) is what `/metrics` at the admin port answers. To hear of single messages, give the
//! application a [`handler::Observer`](crate::handler::Observer).
//!
//! ```
//! use comms::metrics::Metrics;
//!
//! fn behind(metrics: &Metrics) -> u64 {
//!     let subscriptions = metrics.snapshot().subscriptions;
//!     subscriptions.iter().filter_map(|subscription| subscription.lag.as_ref()).map(|lag| lag.waiting).sum()
//! }
//! # assert_eq!(behind(&Metrics::new()), 0);
//! ```

mod clients;
mod counters;
mod histogram;
mod snapshot;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::clients::{ClientSnapshot, NodeSnapshot, QueueSnapshot};
pub use self::counters::Counters;
pub(crate) use self::counters::{PublishCounters, Published, RequestCounters};
pub use self::histogram::{BOUNDS, Histogram, HistogramSnapshot};
pub use self::snapshot::{
    BrokerSnapshot, LagSnapshot, PublishSnapshot, PublisherSnapshot, RequestName, RequestSnapshot, Snapshot, SubscriptionName,
    SubscriptionSnapshot,
};
use crate::inject::{InjectError, Injectable, Scope};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All that a process counts. Injectable; cheap to clone, every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Register>>);

#[derive(Debug, Default)]
struct Register {
    subscriptions: BTreeMap<SubscriptionName, Subscribed>,
    publishers: BTreeMap<(String, &'static str), Publishing>,
    brokers: BTreeMap<String, Connected>,
    requests: BTreeMap<RequestName, Arc<RequestCounters>>,
}

#[derive(Debug, Default)]
struct Subscribed {
    counters: Arc<Counters>,
    lag: Option<LagSnapshot>,
}

#[derive(Debug)]
struct Publishing {
    system: &'static str,
    topic: &'static str,
    counters: Arc<PublishCounters>,
}

/// Whether work flows, and what the clients report.
type Looked = (bool, Vec<ClientSnapshot>);

struct Connected {
    system: &'static str,
    look: Arc<dyn Fn() -> Looked + Send + Sync>,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.system)
    }
}

impl Metrics {
    /// Of a process that has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was counted so far, as data.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let (mut snapshot, brokers) = {
            let register = self.lock();
            let snapshot = Snapshot {
                subscriptions: register.subscriptions.iter().map(|(name, subscribed)| subscribed.snapshot(name)).collect(),
                publishers: register.publishers.iter().map(|((broker, event), publishing)| publishing.snapshot(broker, event)).collect(),
                brokers: Vec::new(),
                requests: register.requests.iter().map(|(name, counters)| requested(name, counters)).collect(),
            };
            let brokers: Vec<_> =
                register.brokers.iter().map(|(name, broker)| (name.clone(), broker.system, Arc::clone(&broker.look))).collect();
            (snapshot, brokers)
        };
        // Asked without the lock: what they do is theirs.
        let looked = brokers.into_iter().map(|(name, system, look)| {
            let (connected, clients) = look();
            BrokerSnapshot { name, system, connected, clients }
        });
        snapshot.brokers = looked.collect();
        snapshot
    }

    /// What was counted so far, in the text format of Prometheus (version 0.0.4).
    #[must_use]
    pub fn text(&self) -> String {
        text::text(&self.snapshot())
    }

    /// Enters a subscription.
    pub(crate) fn subscribed(&self, name: SubscriptionName, counters: Arc<Counters>) {
        self.lock().subscriptions.insert(name, Subscribed { counters, lag: None });
    }

    /// The broker said, or no longer says, how far the group is behind.
    pub(crate) fn lag(&self, name: &SubscriptionName, lag: Option<LagSnapshot>) {
        if let Some(subscribed) = self.lock().subscriptions.get_mut(name) {
            subscribed.lag = lag;
        }
    }

    /// The one count of all publishers of the event on the broker.
    pub(crate) fn publishers(&self, broker: &str, system: &'static str, event: &'static str, topic: &'static str) -> Arc<PublishCounters> {
        let mut register = self.lock();
        let entry = register.publishers.entry((broker.to_owned(), event));
        Arc::clone(&entry.or_insert_with(|| Publishing { system, topic, counters: Arc::default() }).counters)
    }

    /// Enters a broker that is asked whenever somebody looks.
    pub(crate) fn broker(&self, name: &str, system: &'static str, look: impl Fn() -> Looked + Send + Sync + 'static) {
        self.lock().brokers.insert(name.to_owned(), Connected { system, look: Arc::new(look) });
    }

    /// Enters a route or a method.
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "only ports take requests"))]
    pub(crate) fn requests(&self, name: RequestName, counters: Arc<RequestCounters>) {
        self.lock().requests.insert(name, counters);
    }

    /// The values are whole after any panic.
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscribed {
    fn snapshot(&self, name: &SubscriptionName) -> SubscriptionSnapshot {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { handled, duplicates, skipped, retried, dead_lettered, redelivered, in_flight, handle_time } = &*self.counters;
        SubscriptionSnapshot {
            of: name.clone(),
            handled: count(handled),
            duplicates: count(duplicates),
            skipped: count(skipped),
            retried: count(retried),
            dead_lettered: count(dead_lettered),
            redelivered: count(redelivered),
            in_flight: count(in_flight),
            handle_time: handle_time.snapshot(),
            lag: self.lag.clone(),
        }
    }
}

impl Publishing {
    fn snapshot(&self, broker: &str, event: &'static str) -> PublisherSnapshot {
        let Self { system, topic, counters } = self;
        PublisherSnapshot { broker: broker.to_owned(), system, event, topic, counts: counters.snapshot() }
    }
}

const CLASSES: &[&str] = &["abandoned", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The codes of gRPC by their numbers, behind those that have none.
const CODES: &[&str] = &[
    "abandoned",
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

fn requested(name: &RequestName, counters: &RequestCounters) -> RequestSnapshot {
    let words = if matches!(name, RequestName::Http { .. }) { CLASSES } else { CODES };
    let outcomes = words.iter().zip(&counters.outcomes).map(|(word, count)| (*word, count.load(Ordering::Relaxed)));
    RequestSnapshot { of: name.clone(), outcomes: outcomes.filter(|(_, count)| *count > 0).collect(), time: counters.time.snapshot() }
}

impl Injectable for Metrics {
    fn inject(scope: &Scope) -> Result<Self, InjectError> {
        scope.get()
    }
}
