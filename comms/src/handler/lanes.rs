//! Order by key inside one member: messages of one key are handled one after another, others run on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::broker::Delivery;

/// The keys that are being handled, and what waits behind each.
///
/// Memory is bounded by the subscription's prefetch: the broker hands out no more unsettled deliveries.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    busy: HashMap<Arc<str>, VecDeque<Delivery>>,
    ready: VecDeque<Delivery>,
}

impl Lanes {
    /// Takes up a delivery; returns it when its key is free (it is then taken), and keeps it otherwise.
    pub(crate) fn admit(&mut self, delivery: Delivery) -> Option<Delivery> {
        let Some(key) = key_of(&delivery) else { return Some(delivery) };
        match self.busy.get_mut(&key) {
            Some(waiting) => {
                waiting.push_back(delivery);
                None
            }
            None => {
                self.busy.insert(key, VecDeque::new());
                Some(delivery)
            }
        }
    }

    /// The next delivery whose turn came when its predecessor was settled.
    pub(crate) fn pop_ready(&mut self) -> Option<Delivery> {
        self.ready.pop_front()
    }

    /// The message of the key was settled: the one behind it is ready.
    pub(crate) fn release(&mut self, key: &str) {
        let Some(waiting) = self.busy.get_mut(key) else { return };
        match waiting.pop_front() {
            Some(next) => self.ready.push_back(next),
            None => drop(self.busy.remove(key)),
        }
    }

    /// Gives everything back that waits, at shutdown.
    pub(crate) fn clear(&mut self) {
        self.busy.clear();
        self.ready.clear();
    }
}

/// The key that a delivery is ordered by; none for messages without one, which have no order.
pub(crate) fn key_of(delivery: &Delivery) -> Option<Arc<str>> {
    delivery.envelope().metadata.key.clone()
}
