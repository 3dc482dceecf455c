//! A consumer group: one lock around its state, and what may be done to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::counters::{Counters, InFlight};
use super::state::{Member, State};
use super::wakers::Wakers;
use crate::broker::{BrokerError, BrokerErrorKind, DeadLetter, Lag, Order, PartLag, Shard, Subscription, TopicPattern};
use crate::message::Envelope;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) pattern: TopicPattern,
    pub(super) order: Option<Order>,
    pub(super) ephemeral: bool,
    pub(super) capacity: usize,
    counters: Arc<Counters>,
    /// Told when a queued message was taken.
    pub(super) room: Notify,
    state: Mutex<State>,
}

/// What became of a message that was offered to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    Taken,
    Full,
    Gone,
}

/// What a member that asks for a message gets.
pub(super) enum Next {
    Message {
        tag: u64,
        shard: Shard,
        envelope: Arc<Envelope>,
        redelivered: u32,
    },
    /// Nothing yet; a delayed message is due then, if there is one.
    Wait(Option<Instant>),
    /// The member was removed: its connection was closed.
    Ended,
}

impl Group {
    pub(super) fn new(subscription: &Subscription, capacity: usize, counters: Arc<Counters>) -> Self {
        Self {
            name: subscription.name(),
            pattern: subscription.topic.clone(),
            order: subscription.order,
            ephemeral: subscription.ephemeral,
            capacity,
            counters,
            room: Notify::new(),
            state: Mutex::new(State::new(subscription.order)),
        }
    }

    /// A panic elsewhere leaves the state usable: every change to it is complete before anything can panic.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then wakes whom that concerns, without the lock.
    fn change<R>(&self, change: impl FnOnce(&mut State, &mut Wakers) -> R) -> R {
        let mut wakers = Wakers::default();
        let result = change(&mut self.lock(), &mut wakers);
        if wakers.is_empty() {
            // Dropping nothing is a call too, twice for each message.
            std::mem::forget(wakers);
        } else {
            wakers.wake();
        }
        result
    }

    pub(super) fn offer(&self, envelope: &Arc<Envelope>) -> Offered {
        self.change(|state, wakers| {
            if state.gone {
                return Offered::Gone;
            }
            if self.is_full(state) {
                return Offered::Full;
            }
            self.put(state, Arc::clone(envelope), wakers);
            Offered::Taken
        })
    }

    fn is_full(&self, state: &State) -> bool {
        state.queued() + state.delayed() >= self.capacity
    }

    /// Queues messages beyond the capacity too: a replay, or what the log held.
    pub(super) fn put_all(&self, envelopes: impl Iterator<Item = Arc<Envelope>>) {
        self.change(|state, wakers| {
            if !state.gone {
                envelopes.for_each(|envelope| self.put(state, envelope, wakers));
            }
        });
    }

    /// Forgets what it holds and queues these instead, beyond the capacity too.
    ///
    /// # Errors
    /// When it has members: what they hold would be settled and delivered again at once.
    pub(super) fn begin_anew(&self, envelopes: impl Iterator<Item = Arc<Envelope>>) -> Result<(), BrokerError> {
        self.change(|state, wakers| {
            if !state.members.is_empty() {
                return Err(self.has_members(state.members.len()));
            }
            let (queued, delayed) = state.clear();
            envelopes.for_each(|envelope| self.put(state, envelope, wakers));
            // After what takes its place: nobody sees the broker empty in between.
            self.counters.settle(queued);
            self.counters.forget_delayed(delayed);
            Ok(())
        })?;
        self.room.notify_waiters();
        Ok(())
    }

    fn has_members(&self, count: usize) -> BrokerError {
        BrokerError::new(
            BrokerErrorKind::Refused,
            format!("could not move the group `{}`: {count} members of it are connected; stop them, and try again", self.name),
        )
    }

    /// Resolves once it is not full.
    pub(super) async fn has_room(&self) {
        loop {
            // Listens before it looks, so that room made in between is not missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            let is_full = {
                let state = self.lock();
                !state.gone && self.is_full(&state)
            };
            if !is_full {
                return;
            }
            room.await;
        }
    }

    pub(super) fn put(&self, state: &mut State, envelope: Arc<Envelope>, wakers: &mut Wakers) {
        self.counters.arrive(1);
        state.enqueue(envelope);
        state.wake_members(wakers);
    }

    pub(super) fn join(&self, member: Member) -> bool {
        self.change(|state, wakers| {
            if !state.gone {
                state.members.push(member);
                // Lanes may have changed hands.
                state.wake_members(wakers);
            }
            !state.gone
        })
    }

    /// The next message of the member; when there is none, the waker is kept.
    pub(super) fn next(&self, member: u64, waker: &Waker) -> Next {
        let mut was_full = false;
        let next = self.change(|state, wakers| {
            let Some(position) = state.position(member) else { return Next::Ended };
            was_full = self.is_full(state);
            if state.delayed() > 0 {
                self.bring_back_due(state, wakers);
            }
            if let Some((tag, shard, envelope, redelivered)) = state.take(position) {
                return Next::Message { tag, shard, envelope, redelivered };
            }
            state.wait(position, waker);
            Next::Wait(state.next_due())
        });
        // Who waits for room found the group full, so only what makes room then is news.
        if was_full && matches!(next, Next::Message { .. }) {
            self.room.notify_waiters();
        }
        next
    }

    fn bring_back_due(&self, state: &mut State, wakers: &mut Wakers) {
        let due = state.bring_back_due();
        if due > 0 {
            (0..due).for_each(|_| self.counters.due());
            state.wake_members(wakers);
        }
    }

    #[inline]
    pub(super) fn ack(&self, member: u64, tag: u64) {
        // Bound, so that the message is dropped after the lock.
        let settled = self.change(|state, wakers| state.settle(member, tag, wakers));
        if settled.is_some() {
            self.counters.settle(1);
        }
    }

    pub(super) fn release(&self, member: u64, tag: u64) {
        self.change(|state, wakers| {
            if let Some(held) = state.settle(member, tag, wakers) {
                state.put_back(held, wakers);
            }
        });
    }

    pub(super) fn retry(&self, member: u64, tag: u64, again: Arc<Envelope>, delay: Duration) {
        let due = Instant::now() + delay;
        let settled = self.change(|state, wakers| {
            let held = state.settle(member, tag, wakers)?;
            state.hold_back(again, due);
            self.counters.delay();
            // One that waits has to look at the clock again.
            state.wake_members(wakers);
            Some(held)
        });
        drop(settled);
    }

    pub(super) fn dead_letter(&self, member: u64, tag: u64, letter: DeadLetter) -> Result<(), BrokerError> {
        let settled = self.change(|state, wakers| {
            if state.letters.len() >= self.capacity {
                return Err(self.letters_full());
            }
            let held = state.settle(member, tag, wakers);
            if held.is_some() {
                state.letters.push_back(letter);
            }
            Ok(held)
        })?;
        if settled.is_some() {
            self.counters.settle(1);
        }
        Ok(())
    }

    fn letters_full(&self) -> BrokerError {
        BrokerError::new(
            BrokerErrorKind::Refused,
            format!(
                "could not dead-letter a message of `{}`: it has {} dead letters already; replay or purge them, or raise `capacity` in the broker's URL",
                self.name, self.capacity
            ),
        )
    }

    /// Removes the members that are meant; returns whether the group is gone with the last of them.
    pub(super) fn leave(&self, meant: impl Fn(&Member) -> bool) -> bool {
        self.change(|state, wakers| {
            while let Some(position) = state.members.iter().position(&meant) {
                state.leave(position, wakers);
            }
            if self.ephemeral && state.members.is_empty() && !state.gone {
                state.gone = true;
                self.forget(state);
            }
            state.gone
        })
    }

    fn forget(&self, state: &mut State) {
        let (queued, delayed) = state.clear();
        self.counters.settle(queued);
        self.counters.forget_delayed(delayed);
        self.room.notify_waiters();
    }

    pub(super) fn lag(&self) -> Lag {
        let state = self.lock();
        let parts = self.order.iter().flat_map(|_| state.waiting_by_lane()).enumerate();
        Lag {
            waiting: state.queued() as u64,
            unsettled: state.unsettled() as u64,
            delayed: state.delayed() as u64,
            parts: parts.map(|(shard, waiting)| PartLag::new(format!("shard {shard}"), waiting as u64, "")).collect(),
        }
    }

    pub(super) fn in_flight(&self) -> InFlight {
        let state = self.lock();
        InFlight { queued: state.queued(), delayed: state.delayed(), unsettled: state.unsettled() }
    }
}
