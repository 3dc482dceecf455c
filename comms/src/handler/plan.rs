//! A subscription as it will run: what the attributes said, with the configuration's overrides, bound to handlers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::erased::ErasedHandler;
use super::observe::{Counters, Observer};
use super::{AfterDeadLetter, HandlerDecl};
use crate::broker::{Broker, Subscription};

/// A handler in its subscription.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What its attribute says, with the overrides of the configuration.
    pub(crate) decl: HandlerDecl,
    /// The version of the message type that it takes.
    pub(crate) version: u32,
    pub(crate) handler: Arc<dyn ErasedHandler>,
}

/// Everything that the pipeline needs to run one subscription.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) service: &'static str,
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) after: AfterDeadLetter,
    pub(crate) dedup: Option<Duration>,
    /// By wire name.
    pub(crate) handlers: HashMap<&'static str, Entry>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Plan {
    /// Whether messages of one key keep their order.
    pub(crate) fn ordered(&self) -> bool {
        self.subscription.order.is_some()
    }
}
