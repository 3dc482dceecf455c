//! How far a group is behind, and how it is taken elsewhere.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// How far a group is behind what was published to its topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lag {
    /// Messages that no member has yet.
    pub waiting: u64,
    /// Messages that members hold and have not settled. Part of `waiting` where the broker can't tell them apart (Kafka knows only what
    /// was committed).
    pub unsettled: u64,
    /// Messages that wait for their next attempt, outside the queue.
    pub delayed: u64,
    /// The same by part of the topic, in the broker's own words (partition, shard); empty where there are no parts.
    pub parts: Vec<PartLag>,
}

/// How far a group is behind in one part of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartLag {
    /// The part: `orders/3`, `shard 2`.
    pub part: String,
    /// Messages of it that no member has yet.
    pub waiting: u64,
    /// Where the group stands in it, in the broker's own words (an offset, an id); empty where there is no such thing.
    pub position: String,
}

impl Lag {
    /// Nothing is behind, in no parts; fill in what the broker says.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// All that is not settled yet, wherever it is.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.waiting + self.unsettled + self.delayed
    }
}

impl PartLag {
    /// A part and what waits in it.
    #[must_use]
    pub fn new(part: impl Into<String>, waiting: u64, position: impl Into<String>) -> Self {
        Self { part: part.into(), waiting, position: position.into() }
    }
}

/// Where a group is to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// With the oldest message that the topic still holds.
    Beginning,
    /// With what is published from now on.
    End,
    /// With the first message that was published at this time or later.
    Time(Timestamp),
    /// At a place in the broker's own words: an offset (Kafka), an entry's id (Redis).
    At {
        /// The part of the topic, as [`PartLag::part`] names it; all parts if there is none.
        part: Option<String>,
        /// The offset or id of the first message to read.
        place: String,
    },
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => out.write_str("the beginning"),
            Self::End => out.write_str("the end"),
            Self::Time(time) => write!(out, "{time}"),
            Self::At { part: None, place } => out.write_str(place),
            Self::At { part: Some(part), place } => write!(out, "{place} in {part}"),
        }
    }
}
