//! Settling the deliveries of one channel.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicNackOptions};
use tokio::sync::Notify;

use super::Shared;
use super::ledger::{Kept, Ledger};
use super::topology::Topology;
use crate::broker::{BrokerError, DeadLetter, Settle, Shard};
use crate::message::Envelope;

/// An acknowledgement is written at the latest this much after the work was done.
const FLUSH: Duration = Duration::from_millis(5);

/// The deliveries of one channel and how to settle them. A lost channel makes a dead desk: what it
/// delivered comes again, and settling it here does nothing.
pub(super) struct Desk {
    channel: Channel,
    pub(super) shared: Arc<Shared>,
    pub(super) topology: Arc<Topology>,
    ordered: bool,
    prefetch: usize,
    state: Mutex<State>,
    dirty: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    /// Given back in an ordered subscription: to be delivered again before anything else.
    again: BTreeSet<u64>,
    dead: bool,
    /// The consumer was dropped; what is in hand may still be settled.
    leaving: bool,
    /// Consumers that nobody reads any more: lapin cancels one that is dropped.
    parked: Vec<lapin::Consumer>,
    armed: bool,
    waker: Option<Waker>,
}

impl Desk {
    pub(super) fn new(channel: Channel, shared: Arc<Shared>, topology: Arc<Topology>, ordered: bool, prefetch: usize) -> Arc<Self> {
        let desk = Arc::new(Self { channel, shared, topology, ordered, prefetch, state: Mutex::default(), dirty: Notify::new() });
        tokio::spawn(flush_in_time(Arc::downgrade(&desk)));
        desk
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the pipeline may take another one; otherwise the waker is woken when it may.
    pub(super) fn has_room(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        let room = state.ledger.held() < self.prefetch;
        if !room {
            state.waker = Some(waker.clone());
        }
        room
    }

    pub(super) fn deliver(&self, tag: u64, kept: Kept) {
        self.lock().ledger.deliver(tag, kept);
    }

    pub(super) fn is_of(&self, subscription: &str) -> bool {
        self.topology.name == subscription
    }

    /// How many of its deliveries are open. What the server sent ahead and nobody took yet is not seen here.
    pub(super) fn open(&self) -> u64 {
        let state = self.lock();
        if state.dead { 0 } else { state.ledger.open() }
    }

    /// The lowest delivery that was given back in an ordered subscription.
    pub(super) fn next_again(&self) -> Option<(u64, Arc<Envelope>, u32, Shard)> {
        let mut state = self.lock();
        let tag = state.again.pop_first()?;
        state.ledger.deliver_again(tag);
        let kept = state.ledger.kept(tag)?;
        let (envelope, redelivered) = kept.again.clone()?;
        Some((tag, envelope, redelivered, kept.shard))
    }

    /// Remembers whom to wake when something is given back; at once, if that happened meanwhile.
    pub(super) fn wake_later(&self, waker: &Waker) {
        let mut state = self.lock();
        if state.again.is_empty() {
            state.waker = Some(waker.clone());
        } else {
            waker.wake_by_ref();
        }
    }

    /// Writes out all acknowledgements that are due.
    pub(super) fn flush(&self) {
        self.write_acks(&mut self.lock(), true);
    }

    /// Writes out what one frame can say: when nothing more is there to wait for.
    pub(super) fn flush_prefix(&self) {
        self.write_acks(&mut self.lock(), false);
    }

    /// The frames are queued under the lock: another thread's must not overtake them, since a tag may
    /// be acknowledged once only. Nothing is waited for.
    fn write_acks(&self, state: &mut State, all: bool) {
        if state.dead || state.ledger.unsent() == 0 {
            return;
        }
        if let Some(tag) = state.ledger.take_prefix() {
            self.write_ack(tag, true);
        }
        if all && state.ledger.unsent() > 0 {
            for tag in state.ledger.take_rest() {
                self.write_ack(tag, false);
            }
        }
    }

    /// lapin queues the frame at the first poll; when the channel is gone there is nobody to tell.
    fn write_ack(&self, tag: u64, multiple: bool) {
        let _ = self.channel.basic_ack(tag, BasicAckOptions { multiple }).now_or_never();
    }

    fn write_nack(&self, tag: u64) {
        let _ = self.channel.basic_nack(tag, BasicNackOptions { multiple: false, requeue: true }).now_or_never();
    }

    fn settled(&self, mut state: MutexGuard<'_, State>, now: bool) {
        let unsent = state.ledger.unsent();
        let stalled = unsent >= self.prefetch.div_ceil(2);
        if now || stalled || unsent >= 64.min(self.prefetch.div_ceil(4)) {
            self.write_acks(&mut state, now || stalled);
        }
        let arm = state.ledger.unsent() > 0 && !state.armed;
        state.armed |= arm;
        let waker = state.waker.take();
        let left = state.leaving && state.ledger.held() == 0;
        drop(state);
        if arm {
            self.dirty.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        if left {
            self.close();
        }
    }

    pub(super) fn is_open(&self, tag: u64) -> bool {
        let mut state = self.lock();
        !state.dead && state.ledger.kept(tag).is_some()
    }

    /// The channel is lost.
    pub(super) fn die(&self) {
        let mut state = self.lock();
        state.dead = true;
        state.again.clear();
    }

    /// The consumer is dropped: what the pipeline holds may still be settled; then the channel is
    /// closed. What was never handed out goes back: at once, or, in an ordered subscription, with the
    /// channel, so that no other member overtakes what is in hand.
    pub(super) fn leave(self: &Arc<Self>, mut streams: Vec<lapin::Consumer>) {
        if let (false, Ok(runtime)) = (self.ordered, tokio::runtime::Handle::try_current()) {
            for stream in streams.drain(..) {
                runtime.spawn(Arc::clone(self).send_back(stream));
            }
        }
        let mut state = self.lock();
        state.leaving = true;
        state.parked = streams;
        let left = state.ledger.held() == 0;
        self.write_acks(&mut state, true);
        drop(state);
        if left {
            self.close();
        }
    }

    /// Ends the consumer at the server, and gives back what it had sent ahead. The stream ends behind
    /// the last delivery.
    async fn send_back(self: Arc<Self>, mut stream: lapin::Consumer) {
        let _ = self.channel.basic_cancel(stream.tag(), BasicCancelOptions::default()).await;
        while let Some(Ok(delivery)) = stream.next().await {
            self.deliver(delivery.delivery_tag, Kept::default());
            self.release(delivery.delivery_tag);
        }
    }

    /// Writes out what is due and gives the channel up, without waiting.
    pub(super) fn close(&self) {
        self.flush();
        self.die();
        let parked = std::mem::take(&mut self.lock().parked);
        let channel = self.channel.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = channel.close(200, "done".into()).await;
                drop(parked);
            });
        }
    }

    /// The copy is safe; the original goes now.
    pub(super) fn done(&self, tag: u64) {
        let mut state = self.lock();
        state.ledger.ack(tag);
        self.settled(state, true);
    }
}

impl Settle for Desk {
    fn ack(&self, tag: u64) {
        let mut state = self.lock();
        if state.ledger.ack(tag) {
            self.settled(state, false);
        }
    }

    fn release(&self, tag: u64) {
        let mut state = self.lock();
        if state.dead {
            return;
        }
        if self.ordered {
            // Back at the server it would come after its successors, which are here already.
            if state.ledger.hold_again(tag) {
                state.again.insert(tag);
            }
        } else if state.ledger.give_back(tag).is_some() {
            self.write_nack(tag);
        }
        self.settled(state, false);
    }

    fn retry(&self, tag: u64, again: Arc<Envelope>, delay: Duration) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move { self.hold_back(tag, &again, delay).await })
    }

    fn dead_letter(&self, tag: u64, letter: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(self.bury(tag, letter))
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Desk").field(&self.topology.name).finish()
    }
}

/// Acknowledges what waits for more to come, when none comes.
async fn flush_in_time(desk: std::sync::Weak<Desk>) {
    loop {
        let Some(strong) = desk.upgrade() else { return };
        // A desk that nobody holds any more has nothing to flush; look after it now and then only.
        let _ = tokio::time::timeout(Duration::from_secs(1), strong.dirty.notified()).await;
        tokio::time::sleep(FLUSH).await;
        let mut state = strong.lock();
        if state.dead {
            return;
        }
        state.armed = false;
        strong.write_acks(&mut state, true);
    }
}
