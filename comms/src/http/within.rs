//! Limits of time that cost nothing where nothing is waited for: no clock is set until work has to wait.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};

/// So late that nobody waits for it: thirty years.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// What the work comes to; nothing when that takes longer, counted from its first wait.
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    until(|| after(Instant::now(), limit), work).await
}

/// What the work comes to; nothing when that takes longer, counted from the moment.
pub(crate) async fn within_since<F: Future>(begun: Instant, limit: Duration, work: F) -> Option<F::Output> {
    until(|| after(begun, limit), work).await
}

fn after(moment: Instant, limit: Duration) -> Instant {
    moment.checked_add(limit).unwrap_or_else(|| moment + NEVER)
}

async fn until<F: Future>(end: impl FnOnce() -> Instant, work: F) -> Option<F::Output> {
    let (mut work, mut end, mut clock) = (pin!(work), Some(end), pin!(None));
    poll_fn(|task| {
        if let Poll::Ready(output) = work.as_mut().poll(task) {
            return Poll::Ready(Some(output));
        }
        if let Some(end) = end.take() {
            // Work that has used up its share of the thread must not keep the clock from being looked at.
            clock.set(Some(unconstrained(sleep_until(end()))));
        }
        match clock.as_mut().as_pin_mut() {
            Some(clock) => clock.poll(task).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_too_long_has_no_outcome() {
        let begun = Instant::now();
        assert_eq!(within(LIMIT, pending::<()>()).await, None);
        assert_eq!(begun.elapsed().as_secs(), 5);
        assert_eq!(within_since(begun, LIMIT * 2, pending::<()>()).await, None);
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_time_is_the_outcome() {
        assert_eq!(within(Duration::ZERO, ready(1)).await, Some(1));
        assert_eq!(within(Duration::MAX, async { tokio::time::sleep(LIMIT).await }).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_never_lets_go_of_the_thread_is_bounded_too() {
        let restless = async {
            loop {
                tokio::task::coop::consume_budget().await;
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        };
        assert_eq!(within(LIMIT, restless).await, None::<()>);
    }
}
