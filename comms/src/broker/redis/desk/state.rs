//! What a member's books hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use tokio::time::Instant;

use super::super::pace::Pace;
use super::{Place, Unwritten};
use crate::broker::Shard;
use crate::message::Envelope;

/// A fetched entry.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) shard: Shard,
    pub(super) envelope: Arc<Envelope>,
    pub(super) redelivered: u32,
    pub(super) handed_out: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) last_tag: u64,
    pub(super) held: BTreeMap<u64, Held>,
    /// Fetched and not handed out, or, in an ordered subscription, given back.
    pub(super) ready: BTreeSet<u64>,
    /// How many are handed out.
    pub(super) out: usize,
    pub(super) pace: Pace,
    pub(super) acks: BTreeMap<Place, Vec<String>>,
    pub(super) returns: BTreeMap<Place, Vec<String>>,
    /// Shards that are being given up: nothing more of them is handed out.
    pub(super) draining: BTreeSet<u16>,
    pub(super) waker: Option<Waker>,
    pub(super) leaving: bool,
    pub(super) dead: bool,
}

impl State {
    pub(super) fn unwritten(&mut self, what: Unwritten) -> &mut BTreeMap<Place, Vec<String>> {
        match what {
            Unwritten::Acks => &mut self.acks,
            Unwritten::Returns => &mut self.returns,
        }
    }

    pub(super) fn next_ready(&self) -> Option<u64> {
        let is_free = |tag: &u64| {
            self.draining.is_empty()
                || self.held.get(tag).and_then(|held| held.place.shard).is_none_or(|shard| !self.draining.contains(&shard))
        };
        if self.leaving { None } else { self.ready.iter().copied().find(is_free) }
    }

    pub(super) fn take_out(&mut self, tag: u64) -> Option<Held> {
        let held = self.held.remove(&tag)?;
        if held.handed_out {
            self.out -= 1;
            self.pace.count(Instant::now());
        }
        self.ready.remove(&tag);
        Some(held)
    }
}
