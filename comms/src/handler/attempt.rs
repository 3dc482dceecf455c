//! One attempt: the slot's future is driven to its end, its panic or its time.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use super::Outcome;
use super::erased::Slot;
use crate::error::{Class, Fault};

/// A handler that took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("the handler did not finish within {0:?}: raise its `timeout`, or make it faster")]
struct TimedOut(Duration);

/// A handler that panicked.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
struct Panicked(String);

/// What a panic is to the pipeline: it may be tried again.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    Fault::new(Class::Retryable, Panicked(panic_text(panic)))
}

/// Runs what is in the slot. `on_wait` is called once if it does not finish at the first poll.
///
/// A panic and a timeout are retryable faults; in both cases the future is dropped before this returns.
pub(crate) async fn run(slot: &mut Slot, timeout: Duration, on_wait: impl FnOnce()) -> Outcome {
    // Most handlers on a warm path finish at once: no timer is made for them.
    if let Some(outcome) = poll_fn(|context| Poll::Ready(ready(poll_caught(slot, context)))).await {
        return outcome;
    }
    on_wait();
    let finished = tokio::time::timeout(timeout, poll_fn(|context| poll_caught(slot, context))).await;
    finished.unwrap_or_else(|_| {
        empty(slot);
        Err(Fault::new(Class::Retryable, TimedOut(timeout)))
    })
}

fn ready(polled: Poll<Outcome>) -> Option<Outcome> {
    match polled {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

fn poll_caught(slot: &mut Slot, context: &mut std::task::Context<'_>) -> Poll<Outcome> {
    catch_unwind(AssertUnwindSafe(|| slot.poll(context))).unwrap_or_else(|panic| {
        empty(slot);
        Poll::Ready(Err(panicked(panic.as_ref())))
    })
}

/// Drops the future, and what it holds, now and not when the slot is used again.
fn empty(slot: &mut Slot) {
    slot.set(std::future::ready(Ok(())));
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "with a value that is no text".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::erased::empty_slot;

    async fn outcome_of(future: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
        let mut slot = empty_slot();
        slot.set(future);
        run(&mut slot, Duration::from_secs(1), || ()).await
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
        let held = std::sync::Arc::new(());
        let inside = std::sync::Arc::clone(&held);
        let mut slot = empty_slot();
        slot.set(async move {
            let _inside = inside;
            std::future::pending().await
        });
        let _ = run(&mut slot, Duration::ZERO, || ()).await;
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }
}
