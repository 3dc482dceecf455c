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

/// FxHash, as rustc uses it (`rustc-hash` 1, the Firefox hash), eight bytes at a time.
#[derive(Debug, Default)]
pub(crate) struct ShortTextHasher(u64);

impl Hasher for ShortTextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            self.add(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl ShortTextHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
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
