//! What came for a subscription and is not settled yet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, ready};

use super::GAP;
use crate::broker::{BrokerError, BrokerErrorKind, DeadLetter, Settle};
use crate::message::Envelope;

/// A bounded queue of messages, and those in hand. All that can happen to a message happens here: the server knows nothing of it.
#[derive(Debug)]
pub(super) struct Inbox {
    name: String,
    prefetch: usize,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_tag: u64,
    waiting: VecDeque<Arc<Envelope>>,
    held: BTreeMap<u64, Arc<Envelope>>,
    /// Messages may be missing before the next one, of so long a time.
    gap: Option<Duration>,
    /// Since when messages were dropped for want of room.
    full_since: Option<Instant>,
    waker: Option<Waker>,
}

impl Inbox {
    pub(super) fn new(name: String, prefetch: usize, capacity: usize) -> Arc<Self> {
        Arc::new(Self { name, prefetch, capacity, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a message. True when it is the first that there is no room for.
    pub(super) fn push(&self, mut envelope: Envelope) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= self.capacity {
            let is_first = state.full_since.is_none();
            state.full_since.get_or_insert_with(Instant::now);
            return is_first;
        }
        let dropped = state.full_since.take().map(|since| since.elapsed());
        let gap = state.gap.take();
        if let Some(gap) = gap.max(dropped) {
            envelope.metadata.extensions.insert(GAP.to_owned(), gap.as_millis().to_string());
        }
        state.waiting.push_back(Arc::new(envelope));
        wake(state);
        false
    }

    /// Messages of so long a time may be missing.
    pub(super) fn missed(&self, gap: Duration) {
        let mut state = self.lock();
        state.gap = Some(state.gap.unwrap_or_default() + gap);
    }

    /// The next message, and a name for it.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<(u64, Arc<Envelope>)> {
        let mut state = self.lock();
        if state.held.len() < self.prefetch
            && let Some(envelope) = state.waiting.pop_front()
        {
            state.last_tag += 1;
            let tag = state.last_tag;
            state.held.insert(tag, Arc::clone(&envelope));
            return Poll::Ready((tag, envelope));
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn settle(&self, tag: u64) -> Option<Arc<Envelope>> {
        let mut state = self.lock();
        let settled = state.held.remove(&tag);
        wake(state);
        settled
    }

    fn again(&self, envelope: Arc<Envelope>) {
        let mut state = self.lock();
        state.waiting.push_front(envelope);
        wake(state);
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

/// An inbox as a settler.
#[derive(Debug)]
pub(super) struct Settler(pub(super) Arc<Inbox>);

impl Settle for Settler {
    fn ack(&self, tag: u64) {
        self.0.settle(tag);
    }

    fn release(&self, tag: u64) {
        if let Some(envelope) = self.0.settle(tag) {
            self.0.again(envelope);
        }
    }

    fn retry(&self, _: u64, _: Arc<Envelope>, _: Duration) -> BoxFuture<'_, Result<(), BrokerError>> {
        let message = "could not hold the message back for a later attempt: Redis Pub/Sub brings nothing back";
        Box::pin(ready(Err(BrokerError::new(BrokerErrorKind::Unsupported, message))))
    }

    fn dead_letter(&self, tag: u64, letter: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>> {
        if self.0.settle(tag).is_some() {
            let (id, errors) = (&letter.envelope.metadata.id, letter.provenance.errors.join(": "));
            let reason = &*letter.provenance.reason;
            tracing::warn!(%id, reason, errors, subscription = &*self.0.name, "a message is given up; Redis Pub/Sub keeps no dead letters");
        }
        Box::pin(ready(Ok(())))
    }
}
