//! The deliveries of one subscription in this process, and how to settle them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use jiff::Timestamp;
use rdkafka::message::OwnedHeaders;

use super::copies;
use super::ended;
use super::headers::Read;
use super::names::Names;
use super::shared::{Outgoing, Shared};
use super::state::{Phase, Place, State};
use super::tenure::{Entry, Kept};
use crate::broker::{BrokerError, DeadLetter, Delivery, Settle, Subscription};
use crate::message::Envelope;

pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    pub(super) subscription: Arc<Subscription>,
    pub(super) names: Names,
    pub(super) prefetch: usize,
    pub(super) waker: Arc<AtomicWaker>,
    state: Mutex<State>,
    /// Something has ended that waits for its transaction.
    pub(super) bell: Condvar,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>, subscription: Arc<Subscription>, names: Names) -> Self {
        let prefetch = subscription.prefetch().max(1);
        Self { shared, subscription, names, prefetch, waker: Arc::default(), state: Mutex::default(), bell: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages of a partition may be delivered between two commits.
    pub(super) fn window(&self) -> i64 {
        i64::try_from(self.prefetch).unwrap_or(i64::MAX / 4)
    }

    pub(super) fn poll_next(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let polled = self.poll_once();
        if polled.is_ready() {
            return polled;
        }
        self.waker.register(context.waker());
        // What came before that found nobody to wake.
        self.poll_once()
    }

    fn poll_once(self: &Arc<Self>) -> Poll<Option<Delivery>> {
        let mut state = self.lock();
        if state.phase != Phase::Working {
            return Poll::Ready(None);
        }
        state.full = state.held() >= self.prefetch;
        if state.full || self.is_behind(&state) {
            return Poll::Pending;
        }
        if let Some(delivery) = self.next_again(&mut state) {
            return Poll::Ready(Some(delivery));
        }
        self.next_new(&mut state).map_or(Poll::Pending, |delivery| Poll::Ready(Some(delivery)))
    }

    fn next_again(self: &Arc<Self>, state: &mut State) -> Option<Delivery> {
        let (offset, place) = state.again.pop_first()?;
        let Some(Entry::Again(kept)) = state.tenures.get(&place)?.log.get(offset) else { return None };
        let kept = kept.clone();
        self.deliver(state, place, offset, kept)
    }

    /// Asks each partition in turn, and all of them again when one was passed over for a message that is not ours.
    fn next_new(self: &Arc<Self>, state: &mut State) -> Option<Delivery> {
        state.waits = false;
        let mut left = state.turns.len();
        while left > 0 {
            left -= 1;
            state.turn = (state.turn + 1) % state.turns.len();
            let turn = &state.turns[state.turn];
            if !turn.news.load(Ordering::Acquire) {
                continue;
            }
            let place = turn.place.clone();
            while let Some(read) = self.next_of(state, &place) {
                if let Some((offset, kept)) = self.take(state, &place, read) {
                    return self.deliver(state, place, offset, kept);
                }
                left = state.turns.len();
            }
        }
        None
    }

    /// The next message of a partition, unless it has to wait.
    fn next_of(&self, state: &mut State, place: &Place) -> Option<Read> {
        let tenure = state.tenures.get_mut(place).filter(|tenure| tenure.counted && !tenure.draining)?;
        let head = tenure.peek()?;
        if head.not_before.is_none() && head.after.is_empty() {
            return tenure.take();
        }
        let is_early = head.not_before.is_some_and(|time| time > Timestamp::now()) && self.is_on_a_rung(place);
        let after = if is_early { Vec::new() } else { head.after.clone() };
        if is_early || !(after.is_empty() || state.may_go(place, &after)) {
            state.waits = true;
            return None;
        }
        state.tenures.get_mut(place)?.take()
    }

    fn is_on_a_rung(&self, place: &Place) -> bool {
        self.names.ladder.iter().any(|rung| *rung.topic == *place.0)
    }

    /// Whether the message is for us, and not settled.
    fn take(&self, state: &mut State, place: &Place, read: Read) -> Option<(i64, Kept)> {
        let is_side = self.names.own_topics().any(|topic| *topic == *place.0);
        let is_ours = read.only_for.as_ref().is_none_or(|group| *group == self.names.group);
        let tenure = state.tenures.get_mut(place)?;
        let is_meant = is_side || self.subscription.topic.matches(&tenure.logical);
        let log = &mut tenure.log;
        let redelivered = log.mark.deliveries(read.offset);
        if !log.read(read.offset) {
            return None;
        }
        if !(is_ours && is_meant) {
            log.settle(read.offset);
            return None;
        }
        Some((read.offset, Kept { envelope: Arc::new(read.envelope), redelivered, foreign: read.foreign }))
    }

    fn deliver(self: &Arc<Self>, state: &mut State, place: Place, offset: i64, kept: Kept) -> Option<Delivery> {
        let tag = state.next_tag;
        state.next_tag += 1;
        let tenure = state.tenures.get_mut(&place)?;
        let (envelope, redelivered) = (Arc::clone(&kept.envelope), kept.redelivered);
        tenure.log.put(offset, Entry::Held(tag, kept));
        let settle = Arc::clone(self) as Arc<dyn Settle>;
        let delivery = Delivery::new(envelope, tag, redelivered, tenure.shard, settle).survived(tenure.before);
        state.tags.insert(tag, (place, offset));
        Some(delivery)
    }

    /// What is due on a rung, or waited long enough, is looked at again.
    pub(super) fn tick(&self) {
        if self.lock().waits {
            self.waker.wake();
        }
    }

    /// The work is done, or a copy is safe.
    fn done(&self, tag: u64) {
        let mut state = self.lock();
        let Some((place, offset)) = state.tags.remove(&tag) else { return };
        if let Some(tenure) = state.tenures.get_mut(&place) {
            tenure.log.settle(offset);
        }
        let was_full = std::mem::take(&mut state.full);
        drop(state);
        if was_full {
            self.waker.wake();
        }
    }

    /// The delivery as it is kept; nothing when it is not ours any more.
    fn open(&self, tag: u64) -> Option<(Place, i64, Option<OwnedHeaders>)> {
        let state = self.lock();
        let (place, offset) = state.tags.get(&tag)?;
        match state.tenures.get(place)?.log.get(*offset)? {
            Entry::Held(_, kept) => Some((place.clone(), *offset, kept.foreign.clone())),
            _ => None,
        }
    }

    async fn hold_back(&self, tag: u64, again: Arc<Envelope>, delay: Duration) -> Result<(), BrokerError> {
        let Some((_, _, foreign)) = self.open(tag) else { return Ok(()) };
        if self.subscription.ephemeral || self.subscription.order.is_some() {
            // Nothing is kept for an ephemeral group, and an ordered one has to stay where it is.
            tokio::time::sleep(delay).await;
            self.give_back(tag, Some(again));
            return Ok(());
        }
        let copy = copies::retry(&self.names, &again, foreign.as_ref(), delay)?;
        self.replace(tag, copy).await
    }

    async fn bury(&self, tag: u64, letter: DeadLetter) -> Result<(), BrokerError> {
        let Some((_, _, foreign)) = self.open(tag) else { return Ok(()) };
        if self.subscription.ephemeral {
            self.done(tag);
            return Ok(());
        }
        self.replace(tag, copies::dead_letter(&self.names, letter, foreign.as_ref())).await
    }

    /// Sends a copy, and settles the message once it is safe; in a transaction both at once.
    async fn replace(&self, tag: u64, copy: Outgoing) -> Result<(), BrokerError> {
        if self.subscription.transactional {
            self.end(tag, vec![copy]).await;
        } else {
            self.shared.send(copy).await?;
            self.done(tag);
        }
        Ok(())
    }

    /// To be delivered again, perhaps with another attempt.
    fn give_back(&self, tag: u64, again: Option<Arc<Envelope>>) {
        let mut state = self.lock();
        let Some((place, offset)) = state.tags.remove(&tag) else { return };
        let Some(tenure) = state.tenures.get_mut(&place) else { return };
        if let Some(Entry::Held(_, kept)) = tenure.log.get(offset) {
            let mut kept = kept.clone();
            if let Some(again) = again {
                kept.envelope = again;
            }
            tenure.log.put(offset, Entry::Again(kept));
            tenure.log.dirty = true;
            state.again.insert((offset, place));
        }
        drop(state);
        self.waker.wake();
    }
}

impl Settle for Desk {
    fn ack(&self, tag: u64) {
        self.done(tag);
    }

    fn commit(&self, tag: u64, published: Vec<Arc<Envelope>>) {
        // What becomes of it is not waited for: it is committed, or delivered again.
        drop(self.end(tag, ended::outgoing(&self.shared, &published)));
    }

    fn release(&self, tag: u64) {
        self.give_back(tag, None);
    }

    fn retry(&self, tag: u64, again: Arc<Envelope>, delay: Duration) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(self.hold_back(tag, again, delay))
    }

    fn dead_letter(&self, tag: u64, letter: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(self.bury(tag, letter))
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Desk").field(&self.names.group).finish()
    }
}
