//! Whether the handlers of a worker compute for long without waiting.

use std::time::{Duration, Instant};

/// A handler that holds its thread this long is worth another worker, and perhaps another thread.
const LONG: Duration = Duration::from_micros(200);

/// How long the messages of one worker take that finish, or begin to wait, at their first poll.
///
/// Waking a worker for each message would cost more than most handlers, and not waking any would let the messages of a
/// handler that computes go one by one while other threads idle. The clock is read once for each message.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the last message ended, if the next one came at once; else when the present one began.
    since: Option<Instant>,
    is_slow: bool,
}

impl Pace {
    /// A message begins; the clock is asked only after a rest. Whether the one before held the thread for long.
    pub(super) fn begin(&mut self, clock: impl FnOnce() -> Instant) -> bool {
        self.since.get_or_insert_with(clock);
        self.is_slow
    }

    /// It ended, or waits.
    pub(super) fn end(&mut self, now: Instant) {
        self.is_slow = self.since.is_some_and(|since| now - since >= LONG);
        self.since = Some(now);
    }

    /// What comes until the next message is no work of a handler.
    pub(super) fn rest(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_that_computes_for_long_makes_it_slow_and_waiting_for_messages_does_not() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!(!pace.begin(|| start));
        pace.end(start + LONG);
        // The next one came at once, and was quick.
        assert!(pace.begin(|| unreachable!("it began when the last one ended")));
        pace.end(start + LONG + LONG / 2);
        pace.rest();
        assert!(!pace.begin(|| start + 9 * LONG));
        pace.end(start + 9 * LONG + LONG / 2);
        assert!(!pace.begin(|| unreachable!("it began when the last one ended")));
    }
}
