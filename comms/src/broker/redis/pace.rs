//! How fast a member's handlers are at the moment.

use std::time::Duration;

use tokio::time::Instant;

/// How long other members have the first say on what waits, when the handlers here are busy already. What these will have begun by
/// then is no worse off here.
pub(super) const COURTESY: Duration = Duration::from_millis(50);

/// Counts what is settled, in windows of [`COURTESY`].
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    /// In the window that goes on.
    current: usize,
    /// In the whole one before.
    before: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { began: Instant::now(), current: 0, before: 0 }
    }
}

impl Pace {
    /// One more was settled.
    pub(super) fn count(&mut self, now: Instant) {
        self.turn(now);
        self.current += 1;
    }

    /// How many of late were settled within [`COURTESY`].
    pub(super) fn of_late(&mut self, now: Instant) -> usize {
        self.turn(now);
        self.current.max(self.before)
    }

    fn turn(&mut self, now: Instant) {
        let past = now.saturating_duration_since(self.began);
        if past >= COURTESY {
            self.before = if past < 2 * COURTESY { self.current } else { 0 };
            (self.began, self.current) = (now, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_settled_counts_for_two_windows_at_most() {
        let mut pace = Pace::default();
        let start = Instant::now();
        for _ in 0..7 {
            pace.count(start);
        }
        assert_eq!(pace.of_late(start), 7);
        let next = start + COURTESY;
        pace.count(next);
        assert_eq!(pace.of_late(next), 7, "the whole window before says more");
        assert_eq!(pace.of_late(next + COURTESY), 1);
        assert_eq!(pace.of_late(next + 3 * COURTESY), 0, "nothing of late");
    }
}
