//! One consumer shared by the workers of a subscription, without a task or a channel between.
//!
//! A worker that finds nothing goes to sleep in a list; the consumer's waker wakes one of the list. A worker
//! that has to wait inside a handler, or whose handlers compute for long, wakes another: so a subscription
//! uses one worker while one is enough, and all of them when they are needed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::gate::Gate;
use super::lanes::Lanes;
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
        let mut state = self.lock();
        let mut shared = Context::from_waker(&self.waker);
        let polled = state.poll_next(&mut shared);
        if polled.is_ready() {
            return polled;
        }
        self.sleepers.sleep(worker, context.waker());
        // What arrived between the first look and going to sleep found nobody to wake.
        let polled = state.poll_next(&mut shared);
        if polled.is_ready() {
            self.sleepers.awake(worker);
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

/// The workers that found nothing to do, by number.
#[derive(Default)]
struct Sleepers(Mutex<VecDeque<(usize, Waker)>>);

impl Sleepers {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(usize, Waker)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, worker: usize, waker: &Waker) {
        let mut sleepers = self.lock();
        match sleepers.iter_mut().find(|(sleeper, _)| *sleeper == worker) {
            Some((_, known)) => known.clone_from(waker),
            None => sleepers.push_back((worker, waker.clone())),
        }
    }

    fn awake(&self, worker: usize) {
        self.lock().retain(|(sleeper, _)| *sleeper != worker);
    }

    fn wake_one(&self) {
        // The last to go to sleep is the likeliest to have its storage still in a cache.
        let sleeper = self.lock().pop_back();
        if let Some((_, waker)) = sleeper {
            waker.wake();
        }
    }

    fn wake_all(&self) {
        let sleepers = std::mem::take(&mut *self.lock());
        sleepers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Wake for Sleepers {
    fn wake(self: Arc<Self>) {
        self.wake_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_one();
    }
}
