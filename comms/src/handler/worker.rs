//! What a worker does with a delivery: the inbound pipeline, from the lookup of the type to the settlement.
//!
//! A handler that comes to its end at the first poll is settled there, in plain calls ([`Pipeline::at_once`]); what
//! waits, fails or has to ask the broker first goes on in [`settle`](super::settle).

use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{self, Poll};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Level};

use super::attempt::{self, Attempt, Failed};
use super::dedup::DedupWindow;
use super::erased::{Bound, ErasedHandler, Slot};
use super::gather::First;
use super::intake::Intake;
use super::observe::{Happening, Observed, Observer};
use super::pace::Pace;
use super::parked::ParkedKeys;
use super::plan::{Entry, Plan};
use super::refuse::{GivenUp, is_replayed};
use crate::broker::{Delivery, Handled};
use crate::context::Context;
use crate::message::Envelope;

/// The target of the span of a message that is handled, at level debug. Lines of the log need no span for their ids:
/// they take them from the [`Context`].
const SPANS: &str = "comms::process";

/// After so many messages a worker lets others have the thread, also when its queue is never empty.
const TURNS: u32 = 32;

/// One subscription at work; shared by its workers.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) plan: Plan,
    pub(crate) intake: Intake,
    /// What this process has handled.
    pub(crate) dedup: Option<DedupWindow>,
    /// In its place, what the group has handled, where the broker remembers it.
    pub(crate) handled: Option<Arc<dyn Handled>>,
    pub(crate) parked: Option<ParkedKeys>,
    /// Cancelled when shutdown begins: waits between attempts end, their messages go back.
    pub(crate) stopping: CancellationToken,
}

/// Why a worker stops taking messages for a moment.
enum Pause<'a> {
    /// A message that was taken is not settled; with the key that is to be freed once it is.
    Left(Admitted<'a>, Option<Arc<str>>),
    /// Others have their turn.
    Turns,
    /// There are no more.
    Closed,
}

/// A message that is to be handled.
pub(super) enum Admitted<'a> {
    One(Open<'a>),
    /// It begins a batch, or is one of it.
    Batch(First<'a>),
}

/// A message that was not settled at the first poll.
pub(super) struct Open<'a> {
    pub(super) entry: &'a Entry,
    pub(super) handler: &'a dyn ErasedHandler,
    pub(super) delivery: Delivery,
    pub(super) begun: Begun,
    context: Context,
}

/// How far its first attempt came.
pub(super) enum Begun {
    /// It was not made.
    Not,
    /// It must not be made.
    Refused(GivenUp),
    /// It waits in the slot.
    Waiting,
    Failed(Failed),
}

impl Pipeline {
    /// Takes deliveries until the intake closes.
    pub(crate) async fn work(self: Arc<Self>, worker: usize, mut slot: Slot) {
        let (mut turns, mut pace) = (0, Pace::of(&self.plan.counters));
        loop {
            match poll_fn(|task| self.poll_turns(worker, &mut slot, &mut pace, &mut turns, task)).await {
                Pause::Left(Admitted::One(open), key) => {
                    let since = pace.wait(Instant::now);
                    // This worker stops asking: without another, nobody would hear of what arrives meanwhile.
                    self.intake.leave(worker);
                    self.settle_alone(open, since, &mut slot).await;
                    self.settled(key.as_deref());
                }
                Pause::Left(Admitted::Batch(first), key) => {
                    pace.wait(Instant::now);
                    self.gather(worker, first, &mut slot).await;
                    self.settled(key.as_deref());
                }
                Pause::Turns => {
                    turns = 0;
                    pace.rest(Instant::now);
                    tokio::task::yield_now().await;
                }
                Pause::Closed => return,
            }
        }
    }

    /// Goes on with a message that was not settled at the first poll; it was taken up at that time.
    pub(super) async fn settle_alone(&self, mut open: Open<'_>, since: Instant, slot: &mut Slot) {
        let span = self.span(open.entry, &open.delivery);
        let context = mem::take(&mut open.context);
        context.scope(self.settle(open, slot)).instrument(span).await;
        self.plan.counters.handle_time.observe(since.elapsed(), 1);
    }

    /// Takes delivery after delivery, and settles those that need no waiting: what each of them would carry to the task and back costs as
    /// much as a queue does.
    fn poll_turns<'a>(
        &'a self,
        worker: usize,
        slot: &mut Slot,
        pace: &mut Pace,
        turns: &mut u32,
        task: &mut task::Context<'_>,
    ) -> Poll<Pause<'a>> {
        while *turns < TURNS {
            let Poll::Ready(delivery) = self.intake.poll_next(worker, task) else {
                pace.rest(Instant::now);
                return Poll::Pending;
            };
            let Some(delivery) = delivery else { return Poll::Ready(Pause::Closed) };
            *turns += 1;
            self.taken(&delivery);
            let key = if self.plan.ordered() { delivery.envelope().metadata.key.clone() } else { None };
            if pace.begin(Instant::now) {
                // Its handlers compute for long: the next message should find another thread.
                self.intake.wake_another();
            }
            if let Some(left) = self.at_once(delivery, slot, task) {
                return Poll::Ready(Pause::Left(left, key));
            }
            pace.end(Instant::now);
            self.settled(key.as_deref());
        }
        Poll::Ready(Pause::Turns)
    }

    #[inline]
    pub(super) fn taken(&self, delivery: &Delivery) {
        if delivery.is_again() {
            self.plan.counters.redelivered.fetch_add(1, Ordering::Relaxed);
        }
        self.plan.counters.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn settled(&self, key: Option<&str>) {
        if let Some(key) = key {
            self.intake.settled(key);
        }
        self.plan.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// The handler of the message, unless it is not for this subscription to handle.
    #[inline(always)]
    fn entry_for(&self, envelope: &Arc<Envelope>) -> Option<&Entry> {
        // What has no handler was never named by the subscription.
        let Some(entry) = self.plan.handlers.get(envelope.metadata.name.as_ref()) else {
            self.report("", envelope, Happening::Skipped);
            return None;
        };
        if self.dedup.as_ref().is_some_and(|window| window.contains(&envelope.metadata.id)) && !is_replayed(envelope) {
            self.report(entry.decl.name, envelope, Happening::Duplicate);
            return None;
        }
        Some(entry)
    }

    /// The message with its handler, if it has one; else it is settled.
    pub(super) fn admit(&self, delivery: Delivery) -> Option<Admitted<'_>> {
        let Some(entry) = self.entry_for(delivery.envelope()) else {
            delivery.ack();
            return None;
        };
        match &entry.handler {
            Bound::Batch(batch) => Some(Admitted::Batch(First { entry, batch: batch.as_ref(), delivery })),
            Bound::One(handler) => {
                let context = Context::of(Arc::clone(delivery.envelope())).of_handler(self.plan.service, entry.decl.name);
                let begun = GivenUp::untried(entry, &delivery).map_or(Begun::Not, Begun::Refused);
                Some(Admitted::One(Open { entry, handler: handler.as_ref(), delivery, begun, context }))
            }
        }
    }

    /// Makes the first attempt if nothing speaks against it, and polls it once. Returns what is not settled by that.
    ///
    /// What [`admit`](Self::admit) makes is made here only of what is left over: moving it costs more than all else that is decided here.
    fn at_once(&self, delivery: Delivery, slot: &mut Slot, task: &mut task::Context<'_>) -> Option<Admitted<'_>> {
        let envelope = delivery.envelope();
        let Some(entry) = self.entry_for(envelope) else {
            delivery.ack();
            return None;
        };
        let handler = match &entry.handler {
            Bound::Batch(batch) => return Some(Admitted::Batch(First { entry, batch: batch.as_ref(), delivery })),
            Bound::One(handler) => handler.as_ref(),
        };
        let mut context = Context::of(Arc::clone(envelope)).of_handler(self.plan.service, entry.decl.name);
        let begun = if let Some(given_up) = GivenUp::untried(entry, &delivery) {
            Begun::Refused(given_up)
        } else if self.parked.is_some()
            || self.handled.is_some()
            || entry.decl.transactional
            || tracing::enabled!(target: SPANS, Level::DEBUG)
        {
            Begun::Not
        } else {
            let attempt = Attempt::new(self.plan.service, entry, handler, envelope, delivery.attempt());
            match context.enter(|| attempt::begin(&attempt, slot, task)) {
                Poll::Ready(Ok(())) => {
                    self.succeed(entry, delivery);
                    return None;
                }
                Poll::Ready(Err(failed)) => Begun::Failed(failed),
                Poll::Pending => Begun::Waiting,
            }
        };
        Some(Admitted::One(Open { entry, handler, delivery, begun, context }))
    }

    /// The message was handled.
    #[inline(always)]
    pub(super) fn succeed(&self, entry: &Entry, delivery: Delivery) {
        if let Some(window) = &self.dedup {
            window.mark(&delivery.envelope().metadata.id);
        }
        self.report(entry.decl.name, delivery.envelope(), Happening::Handled);
        delivery.ack();
    }

    #[inline]
    pub(super) fn report(&self, handler: &'static str, envelope: &Arc<Envelope>, happening: Happening) {
        self.plan.counters.count(&happening);
        if let Some(observer) = &self.plan.observer {
            self.tell(observer.as_ref(), handler, envelope, happening);
        }
    }

    // Apart, so that what is done for every message stays small enough to be inlined.
    #[cold]
    fn tell(&self, observer: &dyn Observer, handler: &'static str, envelope: &Arc<Envelope>, happening: Happening) {
        let group = self.plan.subscription.group.as_str().into();
        observer.observe(Observed { group, handler, envelope: Arc::clone(envelope), happening });
    }

    fn span(&self, entry: &Entry, delivery: &Delivery) -> tracing::Span {
        let metadata = &delivery.envelope().metadata;
        tracing::debug_span!(
            target: SPANS,
            "process",
            otel.kind = "consumer",
            messaging.system = self.plan.broker.scheme(),
            messaging.operation.type = "process",
            messaging.destination.name = %delivery.envelope().topic,
            messaging.consumer.group.name = %self.plan.subscription.group,
            messaging.message.id = %metadata.id,
            correlation_id = %metadata.correlation.as_ref().unwrap_or(&metadata.id),
            trace_id = metadata.trace.map(|trace| tracing::field::display(format!("{:032x}", trace.trace_id()))),
            comms.service = self.plan.service,
            comms.handler = entry.decl.name,
            comms.attempt = delivery.attempt(),
        )
    }
}
