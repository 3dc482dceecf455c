//! What was handled so far.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::Shipped;

/// Counts what was handled, and tells when it was enough.
#[derive(Clone, Debug)]
pub struct Arrivals(watch::Sender<Arc<Expected>>);

#[derive(Debug, Default)]
struct Expected {
    left: AtomicUsize,
    messages: usize,
    /// When the first one came.
    first: OnceLock<Instant>,
    all: Notify,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }
}

impl Arrivals {
    /// Begins to count.
    pub fn expect(&self, messages: usize) {
        let expected = Expected { left: AtomicUsize::new(messages), messages, ..Expected::default() };
        self.0.send_replace(Arc::new(expected));
    }

    /// One was handled.
    pub fn add(&self, event: &Shipped) {
        std::hint::black_box((event.id, &event.text));
        let expected = self.0.borrow();
        let left = expected.left.fetch_sub(1, Ordering::SeqCst);
        if left == expected.messages {
            self.begin();
        }
        if left == 1 {
            self.finish();
        }
    }

    /// The first one was handled elsewhere.
    pub fn begin(&self) {
        let _ = self.0.borrow().first.set(Instant::now());
    }

    /// The last one was handled elsewhere.
    pub fn finish(&self) {
        self.0.borrow().all.notify_one();
    }

    /// Waits for all; returns how long it took from the first one on.
    pub async fn all(&self) -> Duration {
        let expected = Arc::clone(&self.0.borrow());
        expected.all.notified().await;
        expected.first.get().map(Instant::elapsed).unwrap_or_default()
    }
}
