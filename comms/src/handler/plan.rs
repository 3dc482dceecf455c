//! A subscription as it will run: what the attributes said, with the configuration's overrides, bound to handlers.

use std::sync::Arc;
use std::time::Duration;

use super::erased::Bound;
use super::observe::{Counters, Observer};
use super::{AfterDeadLetter, HandlerDecl};
use crate::broker::{Broker, Subscription};
use crate::limit::Throttle;

/// A handler in its subscription.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What its attribute says, with the overrides of the configuration.
    pub(crate) decl: HandlerDecl,
    /// The version of the message type that it takes.
    pub(crate) version: u32,
    pub(crate) handler: Bound,
}

/// Handlers by the wire names of their types. A subscription has a few: looking through them takes less than hashing.
#[derive(Debug, Default)]
pub(crate) struct Handlers(Vec<(&'static str, Entry)>);

impl Handlers {
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, entry)| entry)
    }
}

impl Extend<(&'static str, Entry)> for Handlers {
    fn extend<I: IntoIterator<Item = (&'static str, Entry)>>(&mut self, entries: I) {
        self.0.extend(entries);
    }
}

/// Everything that the pipeline needs to run one subscription.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) service: &'static str,
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) after: AfterDeadLetter,
    pub(crate) dedup: Option<Duration>,
    /// How many workers take of it: as many messages, or batches, are handled at once.
    pub(crate) workers: usize,
    pub(crate) throttle: Throttle,
    pub(crate) handlers: Handlers,
    pub(crate) counters: Arc<Counters>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Plan {
    /// Whether a message is retried while it is in hand only: for the order's sake, or because the broker brings nothing back.
    pub(crate) fn retries_in_place(&self) -> bool {
        self.ordered() || self.broker.capabilities().at_most_once
    }

    /// Whether messages of one key keep their order.
    pub(crate) fn ordered(&self) -> bool {
        self.subscription.order.is_some()
    }
}
