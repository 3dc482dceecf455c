//! Keeping a rate: the generic cell rate algorithm (ITU-T I.371, "virtual scheduling").

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Rate;

/// What keeps a rate, and can be given another one while it works. Cheap to clone; every clone is the same throttle.
///
/// Without a rate everything passes.
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    /// Read on the hot path, where most throttles have no rate.
    limited: AtomicBool,
    /// When the next one would be due if all came evenly; in the past after a rest.
    due: Mutex<Option<Instant>>,
    rate: watch::Sender<Option<Rate>>,
    /// Those who wait, in their order.
    turn: tokio::sync::Mutex<()>,
}

impl Throttle {
    /// A throttle with the rate, or without one.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        let inner = Inner {
            limited: AtomicBool::new(rate.is_some()),
            due: Mutex::new(None),
            rate: watch::Sender::new(rate),
            turn: tokio::sync::Mutex::default(),
        };
        Self(Arc::new(inner))
    }

    /// The rate that holds now; `None`: everything passes.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        *self.0.rate.borrow()
    }

    /// From now on this rate holds, or none. Who waits for the old one is let through by the new one.
    pub fn set(&self, rate: Option<Rate>) {
        self.0.limited.store(rate.is_some(), Ordering::Relaxed);
        // What was owed to the old rate is not owed to the new one.
        *self.due() = None;
        self.0.rate.send_replace(rate);
    }

    /// Whether there is a rate.
    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.0.limited.load(Ordering::Relaxed)
    }

    /// When the next one may pass; `None`: now.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        let rate = self.rate()?;
        let due = (*self.due())?;
        let early = rate.interval().saturating_mul(rate.at_once() - 1);
        due.checked_sub(early).filter(|at| *at > Instant::now())
    }

    /// One passes.
    pub(crate) fn pass(&self) {
        if let Some(rate) = self.rate() {
            let now = Instant::now();
            let mut due = self.due();
            *due = Some(due.map_or(now, |due| due.max(now)) + rate.interval());
        }
    }

    /// Waits until one may pass, in the order of those who wait, and lets it.
    pub(crate) async fn take(&self) {
        let _turn = self.0.turn.lock().await;
        let mut changes = self.changes();
        while let Some(at) = self.not_before() {
            changes.later(at).await;
        }
        self.pass();
    }

    /// Hears of another rate.
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.0.rate.subscribe())
    }

    fn due(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(None)
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rate() {
            Some(rate) => write!(f, "Throttle({rate})"),
            None => f.write_str("Throttle(none)"),
        }
    }
}

/// Hears of another rate: one that is set before the throttle is asked, too.
#[derive(Clone, Debug)]
pub(crate) struct Changes(watch::Receiver<Option<Rate>>);

impl Changes {
    /// Until the time, or until another rate holds.
    pub(crate) async fn later(&mut self, at: Instant) {
        tokio::select! {
            () = sleep_until(at) => {}
            // An error would mean that the throttle is gone, and with it the rate.
            _ = self.0.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn seconds_for(throttle: &Throttle, messages: usize) -> f64 {
        let begun = Instant::now();
        for _ in 0..messages {
            throttle.take().await;
        }
        begun.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_and_reached() {
        let throttle = Throttle::new(Some(Rate::per_second(100).burst(1)));
        let seconds = seconds_for(&throttle, 501).await;
        assert!((5.0..5.6).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_rest_a_burst_passes_at_once_and_no_more_than_that() {
        let throttle = Throttle::new(Some(Rate::per_second(10).burst(5)));
        for _ in 0..2 {
            assert_eq!(seconds_for(&throttle, 5).await, 0.0);
            assert!(throttle.not_before().is_some());
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_everything_passes() {
        assert_eq!(seconds_for(&Throttle::default(), 10_000).await, 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn another_rate_holds_at_once_also_for_who_waits() {
        let throttle = Throttle::new(Some("1/h".parse().unwrap()));
        throttle.take().await;
        let begun = Instant::now();
        let waiting = tokio::spawn({
            let throttle = throttle.clone();
            async move { throttle.take().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        throttle.set(Some(Rate::per_second(1)));
        waiting.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        throttle.set(None);
        assert_eq!(seconds_for(&throttle, 1000).await, 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_served_in_order() {
        let throttle = Throttle::new(Some(Rate::per_second(10).burst(1)));
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..20 {
            let (throttle, served) = (throttle.clone(), Arc::clone(&served));
            waiting.spawn(async move {
                throttle.take().await;
                served.lock().unwrap().push(number);
            });
        }
        waiting.join_all().await;
        assert!(served.lock().unwrap().is_sorted());
    }
}
