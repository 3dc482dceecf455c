//! How fast a member's handlers are at the moment.

use std::time::Duration;

use tokio::time::Instant;

/// Counts what is settled, in windows of time.
#[derive(Debug)]
pub(super) struct Pace {
    window: Duration,
    began: Instant,
    /// In the window that goes on.
    current: usize,
    /// In the whole one before.
    before: usize,
}

impl Pace {
    pub(super) fn new(window: Duration) -> Self {
        Self { window, began: Instant::now(), current: 0, before: 0 }
    }

    /// One more was settled.
    pub(super) fn count(&mut self, now: Instant) {
        self.turn(now);
        self.current += 1;
    }

    /// How many of late were settled in a window's time.
    pub(super) fn of_late(&mut self, now: Instant) -> usize {
        self.turn(now);
        self.current.max(self.before)
    }

    fn turn(&mut self, now: Instant) {
        let past = now.saturating_duration_since(self.began);
        if past >= self.window {
            self.before = if past < 2 * self.window { self.current } else { 0 };
            (self.began, self.current) = (now, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_settled_counts_for_two_windows_at_most() {
        let window = Duration::from_millis(50);
        let mut pace = Pace::new(window);
        let start = Instant::now();
        for _ in 0..7 {
            pace.count(start);
        }
        assert_eq!(pace.of_late(start), 7);
        let next = start + window;
        pace.count(next);
        assert_eq!(pace.of_late(next), 7, "the whole window before says more");
        assert_eq!(pace.of_late(next + window), 1);
        assert_eq!(pace.of_late(next + 3 * window), 0, "nothing of late");
    }
}
