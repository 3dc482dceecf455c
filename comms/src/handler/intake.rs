//! One consumer shared by the workers of a subscription, without a task or a channel between.
//!
//! A worker that finds nothing goes to sleep in a list; the consumer's waker wakes one of the list. A worker
//! that has to wait inside a handler, or whose handlers compute for long, wakes another: so a subscription
//! uses one worker while one is enough, and all of them when they are needed.
//!
//! While a worker asks the consumer nobody else is woken, nor waits for it: it is left word, and if it finds nothing
//! after all, it wakes one of the list. Two that take turns at the consumer's lock would spend more on that than on messages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};

use super::gate::Gate;
use super::lanes::Lanes;
use super::sleepers::Sleepers;
use crate::broker::{Consumer, Delivery};
use crate::limit::Throttle;

/// Where the workers of one subscription get their deliveries from.
pub(crate) struct Intake {
    state: Mutex<State>,
    sleepers: Arc<Sleepers>,
    /// Wakes one of the sleepers.
    waker: Waker,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}

struct State {
    /// Kept while handlers run, also after closing: dropping it would give back what they hold.
    consumer: Box<dyn Consumer>,
    closed: bool,
    lanes: Option<Lanes>,
    gate: Gate,
}

impl Intake {
    /// An intake; `ordered` if messages of one key are handled one after another. It takes no more than the throttle lets through.
    pub(crate) fn new(consumer: Box<dyn Consumer>, ordered: bool, throttle: Throttle) -> Self {
        let state = State { consumer, closed: false, lanes: ordered.then(Lanes::default), gate: Gate::new(throttle) };
        let sleepers = Arc::<Sleepers>::default();
        Self { state: Mutex::new(state), waker: Waker::from(Arc::clone(&sleepers)), sleepers }
    }

    /// The next delivery for the worker; `None` once the intake is closed.
    pub(crate) fn poll_next(&self, worker: usize, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let (mut state, mut sleeps) = match self.state.try_lock() {
            Ok(state) => (state, false),
            Err(TryLockError::Poisoned(poisoned)) => (poisoned.into_inner(), false),
            Err(TryLockError::WouldBlock) => {
                // In the list first: whoever is left word may look there at once.
                self.sleepers.sleep(worker, context.waker());
                if self.sleepers.leave_word() {
                    return Poll::Pending;
                }
                (self.lock(), true)
            }
        };
        let asking = self.sleepers.ask();
        let mut shared = Context::from_waker(&self.waker);
        let mut polled = state.poll_next(&mut shared);
        if polled.is_pending() {
            self.sleepers.sleep(worker, context.waker());
            sleeps = true;
            // What arrived between the first look and going to sleep found nobody to wake.
            polled = state.poll_next(&mut shared);
        }
        if sleeps && polled.is_ready() {
            self.sleepers.awake(worker);
        }
        let was_left_word = asking.end();
        drop(state);
        match &polled {
            Poll::Pending if was_left_word => self.sleepers.wake_one(),
            // Those who left word would sleep for ever.
            Poll::Ready(None) => self.sleepers.wake_all(),
            _ => {}
        }
        polled
    }

    /// The message of the key was settled: its lane goes on, with the worker that settled it and now asks for more.
    pub(crate) fn settled(&self, key: &str) {
        if let Some(lanes) = &mut self.lock().lanes {
            lanes.release(key);
        }
    }

    /// The worker asks no more for a while, though it may have gone to sleep here; another one takes its place.
    pub(crate) fn leave(&self, worker: usize) {
        self.sleepers.awake(worker);
        // It may have been woken for a delivery that it has not taken.
        self.sleepers.wake_one();
    }

    /// Wakes one sleeping worker, if there is one.
    pub(crate) fn wake_another(&self) {
        self.sleepers.wake_one();
    }

    /// Takes nothing more: what waits for its key goes back to the broker, every worker ends after the message it has.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if let Some(lanes) = &mut state.lanes {
            lanes.clear();
        }
        state.closed = true;
        drop(state);
        self.sleepers.wake_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.closed {
            return Poll::Ready(None);
        }
        if self.gate.is_shut_at_times() { self.poll_throttled(context) } else { self.poll_unthrottled(context) }
    }

    #[cold]
    fn poll_throttled(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.gate.poll_open(context).is_pending() {
            return Poll::Pending;
        }
        let polled = self.poll_unthrottled(context);
        if let Poll::Ready(Some(_)) = polled {
            self.gate.pass();
        }
        polled
    }

    #[inline]
    fn poll_unthrottled(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if let Some(ready) = self.lanes.as_mut().and_then(Lanes::pop_ready) {
            return Poll::Ready(Some(ready));
        }
        loop {
            match self.consumer.poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.closed = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(delivery)) => match self.lanes.as_mut() {
                    None => return Poll::Ready(Some(delivery)),
                    Some(lanes) => {
                        if let Some(delivery) = lanes.admit(delivery) {
                            return Poll::Ready(Some(delivery));
                        }
                    }
                },
            }
        }
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
