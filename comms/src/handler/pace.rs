//! Whether the handlers of a worker compute for long without waiting.

use std::time::{Duration, Instant};

/// Handlers that hold their thread this long are worth another worker, and perhaps another thread.
const LONG: Duration = Duration::from_micros(200);

/// So many quick messages are measured together: a look at the clock costs as much as a queue does.
const TOGETHER: u32 = 8;

/// How long the messages of one worker take that finish, or begin to wait, at their first poll.
///
/// Waking a worker for each message would cost more than most handlers, and not waking any would let the messages of a
/// handler that computes go one by one while other threads idle.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the messages that are measured now began; none after a rest.
    since: Option<Instant>,
    /// How many of them are still to come.
    left: u32,
    is_slow: bool,
}

impl Pace {
    /// A message begins. Whether those before held the thread for long.
    pub(super) fn begin(&mut self, clock: impl FnOnce() -> Instant) -> bool {
        if self.since.is_none() {
            // The first after a rest is measured alone, so that a short burst of slow ones is noticed.
            (self.since, self.left) = (Some(clock()), 1);
        }
        self.is_slow
    }

    /// It ended, or waits.
    pub(super) fn end(&mut self, clock: impl FnOnce() -> Instant) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            let now = clock();
            self.is_slow = self.since.is_some_and(|since| now - since >= LONG);
            (self.since, self.left) = (Some(now), if self.is_slow { 1 } else { TOGETHER });
        }
    }

    /// What comes until the next message is no work of a handler.
    pub(super) fn rest(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unasked() -> Instant {
        unreachable!("the clock is left alone")
    }

    #[test]
    fn one_that_computes_for_long_makes_it_slow_until_one_is_quick() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!(!pace.begin(|| start));
        pace.end(|| start + LONG);
        assert!(pace.begin(unasked), "the first after a rest is measured alone");
        pace.end(|| start + LONG + LONG / 2);
        assert!(!pace.begin(unasked));
    }

    #[test]
    fn quick_ones_are_measured_together_and_waiting_for_messages_is_not() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.begin(|| start);
        pace.end(|| start);
        for _ in 1..TOGETHER {
            assert!(!pace.begin(unasked));
            pace.end(unasked);
        }
        pace.begin(unasked);
        pace.end(|| start + LONG);
        assert!(pace.begin(unasked), "together they took long");
        pace.end(|| start + LONG);
        pace.rest();
        pace.begin(|| start + 9 * LONG);
        pace.end(|| start + 9 * LONG);
        assert!(!pace.begin(unasked));
    }
}
