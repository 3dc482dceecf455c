//! The deliveries of one subscription in this process, and how to settle them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use jiff::Timestamp;
use rdkafka::message::OwnedHeaders;

use super::copies;
use super::headers::Read;
use super::names::Names;
use super::shared::Shared;
use super::tenure::{Entry, Kept, Tenure};
use super::trail::Link;
use crate::broker::{BrokerError, DeadLetter, Delivery, Settle, Subscription};
use crate::message::Envelope;

/// What has to be read first is waited for no longer than this: it may have been lost with a broker.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A partition by its topic and number.
pub(super) type Place = (Arc<str>, i32);

/// How the member stands to its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Working,
    /// The consumer was dropped; what is in hand may still be settled.
    Leaving,
    /// Gone; settling does nothing.
    Gone,
}

pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    pub(super) subscription: Arc<Subscription>,
    pub(super) names: Names,
    prefetch: usize,
    pub(super) waker: Arc<AtomicWaker>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) tenures: HashMap<Place, Tenure>,
    /// The places in the order in which they are asked.
    turns: Vec<Place>,
    turn: usize,
    tags: HashMap<u64, (Place, i64)>,
    next_tag: u64,
    /// Given back: to be delivered before anything else, the lowest offset first.
    again: BTreeSet<(i64, Place)>,
    /// Since when the head of a partition waits for another one.
    blocked: HashMap<Place, Instant>,
    /// The head of a partition waits for its time, or for another one.
    waits: bool,
}

impl State {
    pub(super) fn add(&mut self, tenure: Tenure) {
        let place = (Arc::clone(&tenure.topic), tenure.partition);
        self.remove(&place);
        self.turns.push(place.clone());
        self.tenures.insert(place, tenure);
    }

    /// What was delivered of it and is not settled is not ours any more.
    pub(super) fn remove(&mut self, place: &Place) -> Option<Tenure> {
        let tenure = self.tenures.remove(place)?;
        for tag in tenure.log.held() {
            self.tags.remove(&tag);
        }
        self.turns.retain(|turn| turn != place);
        self.again.retain(|(_, of)| of != place);
        self.blocked.remove(place);
        Some(tenure)
    }

    pub(super) fn held(&self) -> usize {
        self.tags.len()
    }

    /// The connection was lost: what was unsettled is delivered again, and settling the old deliveries does nothing. To the
    /// pipeline it is as if the partitions had come anew.
    pub(super) fn begin_anew(&mut self) {
        self.tags.clear();
        for (place, tenure) in &mut self.tenures {
            tenure.before += 1;
            tenure.shard.tenure += 1;
            self.again.extend(tenure.log.take_back().into_iter().map(|offset| (offset, place.clone())));
        }
    }

    /// Stops all deliveries of these partitions if nothing of them is with the pipeline, or in any case.
    pub(super) fn seal(&mut self, places: &[Place], in_any_case: bool) -> bool {
        let is_drained = places.iter().filter_map(|place| self.tenures.get(place)).all(|tenure| tenure.log.held().next().is_none());
        if is_drained || in_any_case {
            self.again.retain(|(_, place)| !places.contains(place));
            return true;
        }
        false
    }

    /// Whether the head of a partition may go: what its publisher had confirmed before has been delivered.
    fn may_go(&mut self, place: &Place, after: &[Link]) -> bool {
        let is_ahead = |link: &Link| {
            let other = self.tenures.get(&(Arc::clone(&link.topic), link.partition));
            other.is_some_and(|other| !other.draining && other.log.position <= link.offset)
        };
        if !after.iter().any(is_ahead) {
            self.blocked.remove(place);
            return true;
        }
        self.blocked.entry(place.clone()).or_insert_with(Instant::now).elapsed() >= LONGEST_WAIT
    }
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>, subscription: Arc<Subscription>, names: Names) -> Self {
        let prefetch = subscription.prefetch().max(1);
        Self { shared, subscription, names, prefetch, waker: Arc::default(), state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages of a partition may be delivered between two commits.
    pub(super) fn window(&self) -> i64 {
        i64::try_from(self.prefetch).unwrap_or(i64::MAX / 4)
    }

    pub(super) fn poll_next(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.waker.register(context.waker());
        let mut state = self.lock();
        if state.phase != Phase::Working {
            return Poll::Ready(None);
        }
        if state.held() >= self.prefetch {
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
            let place = state.turns[state.turn].clone();
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
        let tenure = state.tenures.get_mut(place).filter(|tenure| !tenure.draining)?;
        let head = tenure.peek()?;
        let is_early = self.is_on_a_rung(place) && head.not_before.is_some_and(|time| time > Timestamp::now());
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
        drop(state);
        self.waker.wake();
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
        copies::retry(&self.shared, &self.names, &again, foreign.as_ref(), delay).await?;
        self.done(tag);
        Ok(())
    }

    async fn bury(&self, tag: u64, letter: DeadLetter) -> Result<(), BrokerError> {
        let Some((_, _, foreign)) = self.open(tag) else { return Ok(()) };
        if !self.subscription.ephemeral {
            copies::dead_letter(&self.shared, &self.names, letter, foreign.as_ref()).await?;
        }
        self.done(tag);
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
