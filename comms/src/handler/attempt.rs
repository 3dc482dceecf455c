//! One attempt: the slot's future is driven to its end, its panic or its time.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::erased::{ErasedHandler, Slot};
use super::plan::Entry;
use super::{Incoming, Outcome};
use crate::error::{Class, Fault, panic_text};
use crate::message::Envelope;

/// A handler that took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("the handler did not finish within {0:?}: raise its `timeout`, or make it faster")]
pub(super) struct TimedOut(pub(super) Duration);

/// A handler that panicked.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
struct Panicked(String);

/// What a panic is to the pipeline: it may be tried again.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    Fault::new(Class::Retryable, Panicked(panic_text(panic).to_owned()))
}

/// What a handler is called with.
pub(crate) struct Attempt<'a> {
    entry: &'a Entry,
    handler: &'a dyn ErasedHandler,
    pub(crate) envelope: &'a Arc<Envelope>,
    service: &'static str,
    /// From 1.
    number: u32,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(
        service: &'static str,
        entry: &'a Entry,
        handler: &'a dyn ErasedHandler,
        envelope: &'a Arc<Envelope>,
        number: u32,
    ) -> Self {
        Self { entry, handler, envelope, service, number }
    }

    pub(crate) fn handler_name(&self) -> &'static str {
        self.entry.decl.name
    }

    /// What layers see of it.
    pub(crate) fn incoming(&self) -> Incoming {
        let (service, handler) = (self.service, self.entry.decl.name);
        Incoming { envelope: Arc::clone(self.envelope), service, handler, attempt: self.number }
    }

    /// Decodes the message and puts the handler's future into the slot.
    fn start(&self, slot: &mut Slot) -> Result<(), Failed> {
        let started = self.handler.start(self, slot);
        started.map_err(|error| Failed { is_undecodable: true, fault: Fault::new(Class::Permanent, error) })
    }
}

/// An attempt that failed.
pub(crate) struct Failed {
    pub(crate) is_undecodable: bool,
    pub(crate) fault: Fault,
}

fn result(outcome: Outcome) -> Result<(), Failed> {
    outcome.map_err(|fault| Failed { is_undecodable: false, fault })
}

/// Starts the attempt and polls it once: most handlers on a warm path finish at that, and need no timer.
///
/// Decoding is the user's code as well: a panic in it is caught like the handler's.
pub(crate) fn begin(attempt: &Attempt<'_>, slot: &mut Slot, task: &mut Context<'_>) -> Poll<Result<(), Failed>> {
    caught(slot, |slot| match attempt.start(slot) {
        Ok(()) => slot.poll(task).map(result),
        Err(failed) => Poll::Ready(Err(failed)),
    })
}

/// Goes on with what is in the slot to its end.
///
/// A panic and a timeout are retryable faults; in both cases the future is dropped before this returns.
pub(crate) async fn finish(slot: &mut Slot, timeout: Duration) -> Result<(), Failed> {
    let finished = tokio::time::timeout(timeout, poll_fn(|task| caught(slot, |slot| slot.poll(task).map(result)))).await;
    finished.unwrap_or_else(|_| {
        empty(slot);
        result(Err(Fault::new(Class::Retryable, TimedOut(timeout))))
    })
}

/// The whole attempt.
pub(crate) async fn run(attempt: &Attempt<'_>, slot: &mut Slot, timeout: Duration) -> Result<(), Failed> {
    match poll_fn(|task| Poll::Ready(begin(attempt, slot, task))).await {
        Poll::Ready(ended) => ended,
        Poll::Pending => finish(slot, timeout).await,
    }
}

fn caught(slot: &mut Slot, work: impl FnOnce(&mut Slot) -> Poll<Result<(), Failed>>) -> Poll<Result<(), Failed>> {
    catch_unwind(AssertUnwindSafe(|| work(slot))).unwrap_or_else(|panic| {
        empty(slot);
        Poll::Ready(result(Err(panicked(panic.as_ref()))))
    })
}

/// A future whose panic is a fault; it is dropped before this returns.
pub(super) async fn caught_future(mut future: BoxFuture<'static, Outcome>) -> Outcome {
    poll_fn(|task| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task))).unwrap_or_else(|panic| Poll::Ready(Err(panicked(panic.as_ref()))))
    })
    .await
}

/// Drops the future, and what it holds, now and not when the slot is used again.
fn empty(slot: &mut Slot) {
    slot.set(std::future::ready(Ok(())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::erased::empty_slot;

    async fn outcome_of(future: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
        let mut slot = empty_slot();
        slot.set(future);
        finish(&mut slot, Duration::from_secs(1)).await.map_err(|failed| failed.fault)
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_too_long_is_stopped_and_may_be_tried_again() {
        let fault = outcome_of(std::future::pending()).await.unwrap_err();
        assert_eq!(fault.class, Class::Retryable);
        assert!(fault.to_string().contains("within 1s"), "{fault}");
    }

    #[tokio::test]
    async fn a_panic_is_a_retryable_fault_with_its_text() {
        let fault = outcome_of(async { panic!("no {}", "stock") }).await.unwrap_err();
        assert_eq!(fault.class, Class::Retryable);
        assert!(fault.to_string().contains("no stock"), "{fault}");
    }

    #[tokio::test]
    async fn what_a_handler_holds_is_dropped_before_the_timeout_is_reported() {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let mut slot = empty_slot();
        slot.set(async move {
            let _inside = inside;
            std::future::pending().await
        });
        let _ = finish(&mut slot, Duration::ZERO).await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
