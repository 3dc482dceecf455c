//! Whether the handlers of a worker compute for long without waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::metrics::Counters;

/// Handlers that hold their thread this long are worth another worker, and perhaps another thread.
const LONG: Duration = Duration::from_micros(200);

/// So many quick messages are measured together: a look at the clock costs as much as a queue does.
const TOGETHER: u32 = 8;

/// How long the messages of one worker take: those that finish, or begin to wait, at their first poll.
///
/// Waking a worker for each message would cost more than most handlers, and not waking any would let the messages of a
/// handler that computes go one by one while other threads idle.
#[derive(Debug, Default)]
pub(super) struct Pace {
    counters: Arc<Counters>,
    /// When the messages that are measured now began; none after a rest.
    since: Option<Instant>,
    /// How many of them have ended.
    ended: u32,
    /// How many of them are still to come.
    left: u32,
    is_slow: bool,
}

impl Pace {
    /// Of a worker of the subscription that counts so.
    pub(super) fn of(counters: &Arc<Counters>) -> Self {
        Self { counters: Arc::clone(counters), ..Self::default() }
    }

    /// A message begins. Whether those before held the thread for long.
    pub(super) fn begin(&mut self, clock: impl FnOnce() -> Instant) -> bool {
        if self.since.is_none() {
            // The first after a rest is measured alone, so that a short burst of slow ones is noticed.
            (self.since, self.left) = (Some(clock()), 1);
        }
        self.is_slow
    }

    /// It ended.
    pub(super) fn end(&mut self, clock: impl FnOnce() -> Instant) {
        self.ended += 1;
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            let now = clock();
            let took = self.since.map_or(Duration::ZERO, |since| now - since);
            self.is_slow = took >= LONG;
            self.count(took / self.ended);
            (self.since, self.left) = (Some(now), if self.is_slow { 1 } else { TOGETHER });
        }
    }

    /// It waits, and is measured by itself from now on. Returns when it began: exactly, if it was measured alone.
    pub(super) fn wait(&mut self, clock: impl FnOnce() -> Instant) -> Instant {
        let now = clock();
        let took = self.since.take().map_or(Duration::ZERO, |since| now - since);
        if self.left <= 1 {
            self.is_slow = took >= LONG;
        }
        let each = took / (self.ended + 1);
        self.count(each);
        now.checked_sub(each).unwrap_or(now)
    }

    /// What comes until the next message is no work of a handler.
    pub(super) fn rest(&mut self, clock: impl FnOnce() -> Instant) {
        if let Some(since) = self.since.take().filter(|_| self.ended > 0) {
            self.count((clock() - since) / self.ended);
        }
    }

    /// Those that have ended took so long.
    fn count(&mut self, each: Duration) {
        let ended = std::mem::take(&mut self.ended);
        if ended > 0 {
            self.counters.handle_time.observe(each, ended.into());
        }
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
        pace.rest(unasked);
        pace.begin(|| start + 9 * LONG);
        pace.end(|| start + 9 * LONG);
        assert!(!pace.begin(unasked));
    }

    #[test]
    fn each_message_is_counted_once_with_its_time() {
        let (counters, start) = (Arc::new(Counters::default()), Instant::now());
        let mut pace = Pace::of(&counters);
        let after = |micros| start + Duration::from_micros(micros);
        pace.begin(|| start);
        pace.end(|| after(50));
        for _ in 0..3 {
            pace.begin(unasked);
            pace.end(unasked);
        }
        // Three that ended, and one that waits, took 80 us together.
        pace.begin(unasked);
        assert_eq!(pace.wait(|| after(130)), after(110));
        pace.rest(unasked);
        let counted = counters.handle_time.snapshot();
        assert_eq!((counted.count(), counted.sum), (4, Duration::from_micros(50 + 3 * 20)));
        // One alone, and two more until there was nothing to do.
        pace.begin(|| after(1000));
        pace.end(|| after(1050));
        for _ in 0..2 {
            pace.begin(unasked);
            pace.end(unasked);
        }
        pace.rest(|| after(1070));
        let counted = counters.handle_time.snapshot();
        assert_eq!((counted.count(), counted.sum), (7, Duration::from_micros(110 + 70)));
    }
}
