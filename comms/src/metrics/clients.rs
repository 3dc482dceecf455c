//! What the client libraries of brokers say of themselves.

use std::time::Duration;

use serde::Serialize;

/// One client of a broker, as its library last reported of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientSnapshot {
    /// Whose it is: the consumer group of a subscription, or `publisher`.
    pub client: String,
    /// The servers that it knows.
    pub nodes: Vec<NodeSnapshot>,
    /// What was published and is not confirmed, in this process. Of the publisher only.
    pub publish_queue: Option<QueueSnapshot>,
    /// What was fetched and no handler was offered yet, in this process. Of subscriptions only.
    pub fetch_queue: Option<QueueSnapshot>,
}

/// A server, as a client sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NodeSnapshot {
    /// Address and number: `kafka1:9092/1`.
    pub node: String,
    /// Whether the client has a connection to it. It has one only to those that it needs.
    pub connected: bool,
    /// How long answers took of late, on average; nothing as long as there was none.
    pub round_trip: Option<Duration>,
    /// How long the slowest hundredth of them took at least.
    pub slow_round_trip: Option<Duration>,
    /// Requests that wait to be sent.
    pub unsent: u64,
    /// Requests that wait for their answer.
    pub unanswered: u64,
    /// Requests that got no answer in time, since the client was made.
    pub timed_out: u64,
}

/// Messages in the memory of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueSnapshot {
    /// How many there are.
    pub messages: u64,
    /// How large they are together.
    pub bytes: u64,
}
