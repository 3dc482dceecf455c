//! What one member has fetched, holds and has settled.

mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::time::Instant;

use self::state::{Held, State};
use super::fields::Entry;
use crate::broker::Shard;
use crate::message::Envelope;

/// Acknowledgements that are written out without waiting for more.
const ENOUGH: usize = 64;

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The key of the stream.
    pub(super) stream: Arc<str>,
    /// The topic, for the stream of a topic; others are the group's own.
    pub(super) topic: Option<Arc<str>>,
    /// The shard, in an ordered subscription.
    pub(super) shard: Option<u16>,
}

/// What the server has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// The work is done.
    Acks,
    /// Given back unhandled.
    Returns,
}

/// What the pipeline gets to see.
pub(super) struct Next {
    pub(super) tag: u64,
    pub(super) envelope: Arc<Envelope>,
    pub(super) redelivered: u32,
    pub(super) shard: Shard,
}

/// The member's books. Everything that takes time is done by the member's task, which `changed` wakes.
#[derive(Debug)]
pub(super) struct Desk {
    /// How many are handled at once.
    concurrency: usize,
    prefetch: usize,
    ordered: bool,
    state: Mutex<State>,
    /// Something was settled, or somebody leaves.
    pub(super) changed: Notify,
    /// There are acknowledgements to be written out.
    pub(super) dirty: Notify,
    /// There are many of them.
    pub(super) full: Notify,
}

impl Desk {
    pub(super) fn new(concurrency: usize, prefetch: usize, ordered: bool) -> Arc<Self> {
        let (changed, dirty, full) = (Notify::new(), Notify::new(), Notify::new());
        Arc::new(Self { concurrency, prefetch, ordered, state: Mutex::default(), changed, dirty, full })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more may be fetched.
    pub(super) fn room(&self) -> usize {
        let state = self.lock();
        self.prefetch.saturating_sub(state.out + state.ready.len())
    }

    /// How many more to fetch at once: what the handlers would take, and what they will have begun within `COURTESY` at the pace of
    /// late. 0 when it is not worth a command yet, or would keep messages from members that have nothing to do.
    pub(super) fn demand(&self) -> usize {
        let mut state = self.lock();
        let held = state.out + state.ready.len();
        let ahead = state.pace.of_late(Instant::now()).min(self.prefetch.saturating_sub(self.concurrency));
        let missing = (self.concurrency + ahead).saturating_sub(held);
        let is_worth_it = held < self.concurrency || missing * 2 >= ahead;
        if is_worth_it { missing } else { 0 }
    }

    /// Takes up what was fetched.
    pub(super) fn fetched(&self, place: &Place, shard: Shard, entries: impl IntoIterator<Item = Entry>) {
        let mut state = self.lock();
        for Entry { id, envelope, redelivered, .. } in entries {
            state.last_tag += 1;
            let tag = state.last_tag;
            state.held.insert(tag, Held { id, place: place.clone(), shard, envelope, redelivered, handed_out: false });
            state.ready.insert(tag);
        }
        wake(state);
    }

    /// The next one for the pipeline; `None` when the session is over.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Next>> {
        let mut state = self.lock();
        if state.dead {
            return Poll::Ready(None);
        }
        if state.out < self.prefetch
            && let Some(tag) = state.next_ready()
        {
            state.ready.remove(&tag);
            state.out += 1;
            if let Some(held) = state.held.get_mut(&tag) {
                held.handed_out = true;
                let (envelope, redelivered, shard) = (Arc::clone(&held.envelope), held.redelivered, held.shard);
                return Poll::Ready(Some(Next { tag, envelope, redelivered, shard }));
            }
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Where a delivery stands; `None` when it is no longer this session's to settle.
    pub(super) fn place(&self, tag: u64) -> Option<(Place, String)> {
        let state = self.lock();
        let held = state.held.get(&tag).filter(|held| held.handed_out && !state.dead)?;
        Some((held.place.clone(), held.id.clone()))
    }

    pub(super) fn ack(&self, tag: u64) {
        let mut state = self.lock();
        let Some(held) = state.take_out(tag) else { return };
        if !state.dead {
            state.acks.entry(held.place).or_default().push(held.id);
            self.dirty.notify_one();
            if state.acks.values().map(Vec::len).sum::<usize>() >= ENOUGH {
                self.full.notify_one();
            }
        }
        self.settled(state);
    }

    /// The server has settled it already.
    pub(super) fn done(&self, tag: u64) {
        let mut state = self.lock();
        state.take_out(tag);
        self.settled(state);
    }

    pub(super) fn release(&self, tag: u64) {
        let mut state = self.lock();
        if self.ordered {
            // Back at the server it would come after its successors, which are here already.
            if let Some(held) = state.held.get_mut(&tag).filter(|held| held.handed_out) {
                held.handed_out = false;
                state.out -= 1;
                state.ready.insert(tag);
            }
        } else if let Some(held) = state.take_out(tag) {
            state.returns.entry(held.place).or_default().push(held.id);
            self.write_now();
        }
        self.settled(state);
    }

    fn settled(&self, state: MutexGuard<'_, State>) {
        self.changed.notify_one();
        wake(state);
    }

    /// What is due to be written out, some of each place: none waits for another to have nothing left. It stays here until that is done,
    /// whoever writes may be cancelled.
    pub(super) fn unwritten(&self, limit: usize) -> Vec<(Unwritten, Place, Vec<String>)> {
        let mut state = self.lock();
        let some_of = |what: Unwritten, all: &BTreeMap<Place, Vec<String>>| -> Vec<_> {
            all.iter().map(|(place, ids)| (what, place.clone(), ids[..ids.len().min(limit)].to_vec())).collect()
        };
        [Unwritten::Acks, Unwritten::Returns].into_iter().flat_map(|what| some_of(what, state.unwritten(what))).collect()
    }

    /// The first ones of a place are written out.
    pub(super) fn written(&self, what: Unwritten, place: &Place, count: usize) {
        let mut state = self.lock();
        let unwritten = state.unwritten(what);
        if let Some(ids) = unwritten.get_mut(place) {
            ids.drain(..count.min(ids.len()));
            if ids.is_empty() {
                unwritten.remove(place);
            }
        }
    }

    /// The consumer is dropped: what is handed out may still be settled, the rest goes back.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.leaving = true;
        if !self.ordered {
            for tag in std::mem::take(&mut state.ready) {
                if let Some(held) = state.held.remove(&tag) {
                    state.returns.entry(held.place).or_default().push(held.id);
                }
            }
        }
        drop(state);
        self.write_now();
        self.changed.notify_one();
    }

    fn write_now(&self) {
        self.dirty.notify_one();
        self.full.notify_one();
    }

    /// Whether the consumer is dropped, and how many are still handed out.
    pub(super) fn leaving(&self) -> Option<usize> {
        let state = self.lock();
        state.leaving.then_some(state.out)
    }

    /// The session is over: what is held is no longer ours.
    pub(super) fn die(&self) {
        let mut state = self.lock();
        state.dead = true;
        state.held.clear();
        state.ready.clear();
        state.out = 0;
        wake(state);
        self.changed.notify_one();
    }

    /// Nothing more of the shard is handed out.
    pub(super) fn drain(&self, shard: u16) {
        self.lock().draining.insert(shard);
    }

    /// Once nothing of the shard is handed out nor still to be acknowledged: what was fetched of it, with how often it was
    /// delivered before. It is forgotten here.
    pub(super) fn drained(&self, shard: u16) -> Option<Vec<(String, u32)>> {
        let mut state = self.lock();
        let of_shard = |held: &Held| held.place.shard == Some(shard);
        if state.held.values().any(|held| of_shard(held) && held.handed_out) || state.acks.keys().any(|place| place.shard == Some(shard)) {
            return None;
        }
        let tags: Vec<u64> = state.held.iter().filter(|(_, held)| of_shard(held)).map(|(&tag, _)| tag).collect();
        let mut fetched = Vec::with_capacity(tags.len());
        for tag in tags {
            state.ready.remove(&tag);
            fetched.extend(state.held.remove(&tag).map(|held| (held.id, held.redelivered)));
        }
        state.draining.remove(&shard);
        Some(fetched)
    }

    /// What was fetched of a shard and never handed out, while the session ends.
    pub(super) fn unseen(&self, shard: u16) -> Vec<(String, u32)> {
        let state = self.lock();
        let unseen = state.held.values().filter(|held| held.place.shard == Some(shard) && !held.handed_out);
        unseen.map(|held| (held.id.clone(), held.redelivered)).collect()
    }
}

/// Outside of the lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
