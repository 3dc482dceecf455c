//! When a failed attempt is made again, and when the message is given up. Pure: no clock, no broker.

use std::time::Duration;

use rand::RngExt;

use super::RetryDecl;
use crate::error::{Class, Fault};

/// What becomes of a message after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after the delay, holding the slot.
    Again(Duration),
    /// Hand it back to the broker, to return after the delay.
    Later(Duration),
    /// Give it up: dead-letter it.
    GiveUp,
}

/// What the policy has to know of a failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    class: Class,
    /// How long whoever was called wants to be left alone.
    wish: Option<Duration>,
}

impl From<&Fault> for Failing {
    fn from(fault: &Fault) -> Self {
        Self { class: fault.class, wish: fault.retry_delay() }
    }
}

/// Decides after attempt number `attempt` (from 1) failed.
///
/// The delay is at least what was wished for, within the longest backoff. Such a wait does not hold a slot, unless the order has it so.
pub(crate) fn decide(retry: &RetryDecl, ordered: bool, attempt: u32, failing: impl Into<Failing>) -> Verdict {
    let Failing { class, wish } = failing.into();
    if class == Class::Permanent || attempt > retry.max {
        return Verdict::GiveUp;
    }
    let own = jittered(backoff(retry, attempt));
    let wished = wish.map(|wish| later(wish.min(longest(retry)))).filter(|wished| *wished > own);
    let is_immediate = attempt <= retry.immediate && wished.is_none();
    let delay = wished.unwrap_or(own);
    if ordered || is_immediate { Verdict::Again(delay) } else { Verdict::Later(delay) }
}

/// Whether a message that was delivered for attempt number `attempt` may be tried at all: a handler
/// that kills its process never gets to say that it failed. What is never retried is not begun `again` either, since
/// it may have been handled.
pub(crate) fn may_try(retry: &RetryDecl, attempt: u32, again: bool) -> bool {
    attempt <= retry.max.saturating_add(1) && !(again && retry.max == 0)
}

/// Doubling from the first delay to the longest.
fn backoff(retry: &RetryDecl, attempt: u32) -> Duration {
    let factor = 2_u32.checked_pow(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    retry.backoff.saturating_mul(factor).min(longest(retry))
}

fn longest(retry: &RetryDecl) -> Duration {
    retry.backoff_max.max(retry.backoff)
}

/// Give or take a fifth, so that what failed together does not come back together.
fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(rand::rng().random_range(0.8..=1.2))
}

/// Up to a fifth more, and never less.
fn later(delay: Duration) -> Duration {
    delay.mul_f64(rand::rng().random_range(1.0..=1.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: RetryDecl =
        RetryDecl { max: 4, immediate: 2, backoff: Duration::from_millis(100), backoff_max: Duration::from_millis(300) };

    impl From<Class> for Failing {
        fn from(class: Class) -> Self {
            Self { class, wish: None }
        }
    }

    fn wishing(millis: u64) -> Failing {
        Failing { class: Class::Retryable, wish: Some(Duration::from_millis(millis)) }
    }

    fn is_within(delay: Duration, millis: std::ops::RangeInclusive<u64>) -> bool {
        delay >= Duration::from_millis(*millis.start()) && delay <= Duration::from_millis(*millis.end())
    }

    fn is_about(delay: Duration, millis: u64) -> bool {
        let millis = Duration::from_millis(millis);
        delay >= millis.mul_f64(0.79) && delay <= millis.mul_f64(1.21)
    }

    #[test]
    fn the_first_retries_hold_the_slot_and_the_others_leave_it() {
        assert!(matches!(decide(&RETRY, false, 1, Class::Retryable), Verdict::Again(d) if is_about(d, 100)));
        assert!(matches!(decide(&RETRY, false, 2, Class::Unknown), Verdict::Again(d) if is_about(d, 200)));
        assert!(matches!(decide(&RETRY, false, 3, Class::Retryable), Verdict::Later(d) if is_about(d, 300)));
        assert_eq!(decide(&RETRY, false, 5, Class::Retryable), Verdict::GiveUp);
    }

    #[test]
    fn an_ordered_subscription_has_no_second_level() {
        assert!(matches!(decide(&RETRY, true, 4, Class::Retryable), Verdict::Again(_)));
        assert_eq!(decide(&RETRY, true, 5, Class::Retryable), Verdict::GiveUp);
    }

    #[test]
    fn a_permanent_error_is_given_up_at_once() {
        assert_eq!(decide(&RETRY, false, 1, Class::Permanent), Verdict::GiveUp);
    }

    #[test]
    fn who_wants_to_be_left_alone_is_within_the_longest_backoff() {
        for _ in 0..100 {
            assert!(matches!(decide(&RETRY, false, 1, wishing(250)), Verdict::Later(d) if is_within(d, 250..=300)));
            assert!(matches!(decide(&RETRY, false, 1, wishing(60_000)), Verdict::Later(d) if is_within(d, 300..=360)));
            assert!(matches!(decide(&RETRY, true, 1, wishing(250)), Verdict::Again(d) if is_within(d, 250..=300)));
        }
        assert_eq!(decide(&RETRY, false, 5, wishing(250)), Verdict::GiveUp);
    }

    #[test]
    fn a_shorter_wish_leaves_the_backoff_as_it_is() {
        assert!(matches!(decide(&RETRY, false, 2, wishing(10)), Verdict::Again(d) if is_about(d, 200)));
        assert!(matches!(decide(&RETRY, false, 3, wishing(10)), Verdict::Later(d) if is_about(d, 300)));
    }

    #[test]
    fn a_message_that_kills_its_handler_is_not_tried_for_ever() {
        assert!(may_try(&RETRY, 5, true));
        assert!(!may_try(&RETRY, 6, true));
    }

    #[test]
    fn what_is_never_retried_is_not_begun_again() {
        assert!(may_try(&RETRY.max(0), 1, false));
        assert!(!may_try(&RETRY.max(0), 1, true));
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        let endless = RETRY.max(u32::MAX);
        assert!(matches!(decide(&endless, false, u32::MAX - 1, Class::Retryable), Verdict::Later(_)));
    }
}
