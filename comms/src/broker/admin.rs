//! What an operator can ask of a broker: its dead letters and its topology.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BrokerError, BrokerErrorKind, Lag, Position, Subscription};
use crate::error::Class;
use crate::message::Envelope;

/// A message that was given up, with everything needed to understand it and to try it again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The message as it came: its bytes and attributes unchanged but for the attempt count.
    pub envelope: Arc<Envelope>,
    /// Why and where it was given up.
    pub provenance: Provenance,
}

/// Why, where and when a message was given up. Travels as one JSON text beside the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The topic that it was published to.
    pub topic: String,
    /// The group that gave it up.
    pub group: String,
    /// The service.
    pub service: String,
    /// The handler; empty when none could be chosen.
    pub handler: String,
    /// In a word: `failed`, `permanent`, `undecodable`, `newer-version`, `crashed`, `parked`, `expired`.
    pub reason: String,
    /// What the last error was taken for.
    pub class: Class,
    /// The last error and its causes, outermost first.
    pub errors: Vec<String>,
    /// How often handling was begun.
    pub attempts: u32,
    /// When this copy was first taken up by the attempt that gave it up.
    pub first_seen: Timestamp,
    /// When it was given up.
    pub given_up: Timestamp,
}

impl DeadLetter {
    /// Puts the parts together.
    #[must_use]
    pub fn new(envelope: Arc<Envelope>, provenance: Provenance) -> Self {
        Self { envelope, provenance }
    }
}

/// Which dead letters are meant; those that fit every part that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Only the letter of the message with this id.
    pub id: Option<String>,
    /// Only letters of this message type.
    pub name: Option<String>,
    /// Only letters of messages with this key.
    pub key: Option<String>,
    /// Only the first so many.
    pub limit: Option<usize>,
}

impl DeadLetterFilter {
    /// Whether the letter is meant; the limit is the caller's to count.
    #[must_use]
    pub fn selects(&self, envelope: &Envelope) -> bool {
        let metadata = &envelope.metadata;
        self.id.as_ref().is_none_or(|id| *id == metadata.id.to_string())
            && self.name.as_ref().is_none_or(|name| *name == metadata.name)
            && self.key.as_deref().is_none_or(|key| Some(key) == metadata.key.as_deref())
    }
}

/// One step that would bring a broker's topology to what the service declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlanItem {
    /// What would happen.
    pub step: PlanStep,
    /// The kind of object in the broker's own words: `queue`, `exchange`, `group`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What differs, or why it is listed.
    pub detail: String,
}

/// What would happen to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PlanStep {
    /// It is there as declared.
    Keep,
    /// It does not exist and would be made.
    Create,
    /// It exists with other arguments; it can't be changed in place.
    Change,
    /// It exists, looks like ours, and nothing declares it.
    Orphan,
}

/// Dead letters and topology of a broker.
pub trait Admin: Send + Sync {
    /// The dead letters of a subscription, oldest first, without taking them off.
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>>;

    /// Sends the letters back to the queue of their subscription, in their order, each confirmed before
    /// it is taken off; returns how many. A replayed message starts with attempt 0, passes deduplication
    /// and carries the extension `replayed`.
    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>>;

    /// Destroys the letters for good; returns how many.
    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>>;

    /// What declaring the subscriptions would do, without doing it.
    fn plan<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>>;

    /// Declares the subscriptions as a start would, without taking a message; returns what was made (as [`PlanStep::Create`]). What
    /// exists with other arguments is an error that names it, and nothing is made then; orphans are left alone.
    fn apply<'a>(&'a self, _subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        unsupported("could not apply a topology: this broker declares only what a service needs that starts; start the service".to_owned())
    }

    /// How far the subscription's group is behind. A group that does not exist is an error that says so.
    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        unsupported(format!("could not tell how far `{}` is behind: this broker does not count what waits", subscription.name()))
    }

    /// Makes the subscription's group read on at the position, in all parts or the one that it names. Messages before it that were not
    /// settled are not delivered (again); those from it on are, even if they were settled before. An error while a member of the group
    /// is connected (its own place would overwrite the new one), and on a broker without the replayable capability.
    fn seek<'a>(&'a self, subscription: &'a Subscription, position: &'a Position) -> BoxFuture<'a, Result<(), BrokerError>> {
        let name = subscription.name();
        unsupported(format!(
            "could not move `{name}` to {position}: this broker keeps no messages that were settled; have the topic on a replayable one"
        ))
    }
}

fn unsupported<'a, T: Send + 'a>(message: String) -> BoxFuture<'a, Result<T, BrokerError>> {
    Box::pin(std::future::ready(Err(BrokerError::new(BrokerErrorKind::Unsupported, message))))
}

/// The extension that marks a message replayed from the dead letters; its value is `true`.
pub const REPLAYED: &str = "replayed";
