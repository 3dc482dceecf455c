//! Messages whose handlers have ended well, until the transaction is committed that settles them and sends what they published.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use tokio::sync::oneshot;

use super::desk::Desk;
use super::headers;
use super::shared::{Outgoing, Shared};
use super::state::{Place, State};
use super::tenure::{Entry, Kept};
use super::trail::Destination;
use crate::message::Envelope;

/// So many may wait before nothing new is delivered.
const MOST: usize = 1000;

/// A message that is settled as far as its tenure is concerned, with what came of it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) place: Place,
    offset: i64,
    /// The delivery, in case that what came of it can't be sent.
    kept: Kept,
    pub(super) outgoing: Vec<Outgoing>,
    told: Mutex<Option<oneshot::Sender<()>>>,
}

impl Ended {
    /// It is committed.
    fn tell(&self) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Few wait for it.
        let _ = told.map(|told| told.send(()));
    }
}

impl Desk {
    /// The handler has ended, with this to be sent. Resolves once that is committed, or is none of ours any more.
    pub(super) fn end(&self, tag: u64, outgoing: Vec<Outgoing>) -> impl Future<Output = ()> + use<> {
        let (told, done) = oneshot::channel();
        self.enter(tag, outgoing, told);
        self.bell.notify_one();
        async move {
            let _ = done.await;
        }
    }

    fn enter(&self, tag: u64, outgoing: Vec<Outgoing>, told: oneshot::Sender<()>) {
        let mut state = self.lock();
        let Some((place, offset)) = state.tags.remove(&tag) else { return };
        let Some(tenure) = state.tenures.get_mut(&place) else { return };
        let Some(Entry::Held(_, kept)) = tenure.log.get(offset) else { return };
        let kept = kept.clone();
        tenure.log.settle(offset);
        state.ended.push_back(Arc::new(Ended { place, offset, kept, outgoing, told: Mutex::new(Some(told)) }));
        drop(state);
        self.waker.wake();
    }

    /// Whether the transactions don't keep up.
    pub(super) fn is_behind(&self, state: &State) -> bool {
        state.ended.len() >= self.prefetch.max(MOST)
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.lock().ended.is_empty()
    }

    /// Waits until something has ended, but no longer than this.
    pub(super) fn await_ended(&self, longest: Duration) {
        let waited = self.bell.wait_timeout_while(self.lock(), longest, |state| state.ended.is_empty());
        drop(waited);
    }

    /// These are committed; they were the first.
    pub(super) fn committed(&self, ended: &[Arc<Ended>]) {
        let mut state = self.lock();
        state.ended.drain(..ended.len());
        drop(state);
        ended.iter().for_each(|ended| ended.tell());
        self.waker.wake();
    }

    /// What came of these can't be sent: they are delivered again, and that counts as an attempt.
    pub(super) fn undo(&self, refused: &[Arc<Ended>]) {
        let mut state = self.lock();
        state.ended.retain(|ended| !refused.iter().any(|refused| Arc::ptr_eq(ended, refused)));
        for ended in refused {
            let Some(tenure) = state.tenures.get_mut(&ended.place) else { continue };
            let kept = Kept { redelivered: ended.kept.redelivered + 1, ..ended.kept.clone() };
            tenure.log.put(ended.offset, Entry::Again(kept));
            tenure.log.dirty = true;
            state.again.insert((ended.offset, ended.place.clone()));
        }
        drop(state);
        self.waker.wake();
    }
}

/// What a handler published, as it is sent. What has no key stays together.
pub(super) fn outgoing(shared: &Shared, published: &[Arc<Envelope>]) -> Vec<Outgoing> {
    let mut chosen: HashMap<Arc<str>, i32> = HashMap::new();
    let outgoing = |envelope: &Arc<Envelope>| {
        let known = shared.known(&envelope.topic);
        let topic = known.as_ref().map_or_else(|| shared.config.topic(&envelope.topic).into(), |(topic, _)| Arc::clone(topic));
        let key = envelope.metadata.key.as_ref().map(|key| key.as_bytes().to_vec());
        let partitions = known.and_then(|(_, partitions)| i32::try_from(partitions).ok()).filter(|_| key.is_none());
        let mut choose =
            |partitions: i32| *chosen.entry(Arc::clone(&topic)).or_insert_with(|| rand::rng().random_range(0..partitions.max(1)));
        let destination = partitions.map_or(Destination::ByKey, |partitions| Destination::Fixed(choose(partitions)));
        Outgoing { topic, destination, key, headers: headers::write(&envelope.metadata), payload: Some(envelope.payload.clone()) }
    };
    published.iter().map(outgoing).collect()
}
