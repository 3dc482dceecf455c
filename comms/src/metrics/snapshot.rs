//! All that was counted, at one moment: what an exporter reads.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::clients::ClientSnapshot;
use super::histogram::HistogramSnapshot;

/// All that was counted since the process began, as plain data.
///
/// Counts only grow while the process lives; `in_flight`, `lag` and `connected` are states. The parts are read one after another, so sums
/// over them can be a few messages apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The subscriptions of the services, by group and topic.
    pub subscriptions: Vec<SubscriptionSnapshot>,
    /// The publishers of each event, by broker and event.
    pub publishers: Vec<PublisherSnapshot>,
    /// The brokers by name.
    pub brokers: Vec<BrokerSnapshot>,
    /// The routes of HTTP and the methods of gRPC.
    pub requests: Vec<RequestSnapshot>,
}

/// One subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriptionSnapshot {
    /// Which one.
    #[serde(flatten)]
    pub of: SubscriptionName,
    /// Messages handled with success.
    pub handled: u64,
    /// Duplicates skipped.
    pub duplicates: u64,
    /// Messages of types that the subscription never named.
    pub skipped: u64,
    /// Failed attempts that were followed by another.
    pub retried: u64,
    /// Messages given up.
    pub dead_lettered: u64,
    /// Messages that the broker had delivered before.
    pub redelivered: u64,
    /// Messages in the hands of handlers now.
    pub in_flight: u64,
    /// How long messages took, see [`Counters::handle_time`](super::Counters::handle_time).
    pub handle_time: HistogramSnapshot,
    /// How far the group is behind, all its members together; nothing where nobody asks, or the broker can't tell.
    pub lag: Option<LagSnapshot>,
}

/// Which subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct SubscriptionName {
    /// The consumer group.
    pub group: String,
    /// The topic or pattern.
    pub topic: String,
    /// The service.
    pub service: String,
    /// The broker's name in the configuration.
    pub broker: String,
    /// What kind of broker: the scheme of its URL.
    pub system: &'static str,
}

/// How far a group was behind when the broker was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LagSnapshot {
    /// When that was.
    pub asked: Timestamp,
    /// Messages that no member has yet.
    pub waiting: u64,
    /// Messages that members hold and have not settled; part of `waiting` where the broker can't tell.
    pub unsettled: u64,
    /// Messages that wait for their next attempt.
    pub delayed: u64,
    /// What waits in each part of the topic, in the broker's own words.
    pub parts: Vec<(String, u64)>,
}

/// The publishers of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PublisherSnapshot {
    /// The broker's name in the configuration.
    pub broker: String,
    /// What kind of broker: the scheme of its URL.
    pub system: &'static str,
    /// The wire name of the event.
    pub event: &'static str,
    /// The topic.
    pub topic: &'static str,
    /// How many there were.
    #[serde(flatten)]
    pub counts: PublishSnapshot,
}

/// What became of the messages of a publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PublishSnapshot {
    /// Handed over to the broker.
    pub published: u64,
    /// Of these, the broker has taken responsibility for. A [`Confirm`](crate::broker::Confirm) that is dropped before it is known is never
    /// counted.
    pub confirmed: u64,
    /// Of those that were confirmed, no subscription got these.
    pub unrouted: u64,
    /// Not published.
    pub failed: u64,
    /// Nobody knows whether they were published.
    pub unknown: u64,
}

/// One broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BrokerSnapshot {
    /// Its name in the configuration.
    pub name: String,
    /// What kind of broker: the scheme of its URL.
    pub system: &'static str,
    /// Whether work flows.
    pub connected: bool,
    /// What its clients report of themselves, where the backend has such reports.
    pub clients: Vec<ClientSnapshot>,
}

/// A route of HTTP, or a method of gRPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestSnapshot {
    /// Which one.
    #[serde(flatten)]
    pub of: RequestName,
    /// How many ended how: the class of the status (`2xx`) or the name of the code (`NOT_FOUND`), `abandoned` when the client went away before. Only
    /// what happened.
    pub outcomes: Vec<(&'static str, u64)>,
    /// How long they took, up to the end of the answer.
    pub time: HistogramSnapshot,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "protocol", rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequestName {
    /// A route.
    Http {
        /// Its method.
        method: &'static str,
        /// Its path as declared, `/orders/{id}`.
        route: &'static str,
    },
    /// A method of gRPC.
    Grpc {
        /// The full name of its service.
        service: &'static str,
        /// Its name.
        method: &'static str,
    },
}

impl PublishSnapshot {
    /// Published, with an end that is not known yet, or that nobody waited for.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.published.saturating_sub(self.confirmed + self.failed + self.unknown)
    }
}

impl LagSnapshot {
    /// For how long nobody has asked.
    #[must_use]
    pub fn age(&self) -> Duration {
        Timestamp::now().duration_since(self.asked).try_into().unwrap_or(Duration::ZERO)
    }
}
