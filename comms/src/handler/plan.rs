//! A subscription as it will run: what the attributes said, with the configuration's overrides, bound to handlers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
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

/// Handlers by the wire names of their types. The names are constants of this program, so nobody can choose ones that
/// collide: a hash that is quick for a short text will do.
pub(crate) type Handlers = HashMap<&'static str, Entry, BuildHasherDefault<ShortTextHasher>>;

/// FNV-1a (64 bit).
#[derive(Debug)]
pub(crate) struct ShortTextHasher(u64);

impl Default for ShortTextHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for ShortTextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn finish(&self) -> u64 {
        self.0
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
    /// By wire name.
    pub(crate) handlers: Handlers,
    pub(crate) counters: Arc<Counters>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Plan {
    /// Whether messages of one key keep their order.
    pub(crate) fn ordered(&self) -> bool {
        self.subscription.order.is_some()
    }
}
