//! How much a broker still has in hand, and waiting until that is nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// How many messages of all groups are not settled yet. A message counts once for each group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InFlight {
    /// Waiting to be taken by a member.
    pub queued: usize,
    /// Held back by a retry's delay.
    pub delayed: usize,
    /// Taken by a member and not settled.
    pub unsettled: usize,
}

impl InFlight {
    /// All of them together.
    #[must_use]
    pub fn total(self) -> usize {
        self.queued + self.delayed + self.unsettled
    }
}

/// Both sums in one word, so that no reader sees a message that moves from one to the other in neither:
/// delayed ones above, queued and unsettled ones below.
#[derive(Debug, Default)]
pub(super) struct Counters {
    packed: AtomicU64,
    quieter: Notify,
}

const DELAYED: u64 = 1 << 32;
const ACTIVE: u64 = DELAYED - 1;

impl Counters {
    pub(super) fn arrive(&self, count: usize) {
        self.packed.fetch_add(count as u64, Ordering::SeqCst);
    }

    pub(super) fn settle(&self, count: usize) {
        let left = self.packed.fetch_sub(count as u64, Ordering::SeqCst) - count as u64;
        self.tell(left);
    }

    /// One that was unsettled waits for its delay now.
    pub(super) fn delay(&self) {
        let left = self.packed.fetch_add(DELAYED - 1, Ordering::SeqCst) + (DELAYED - 1);
        self.tell(left);
    }

    /// One that was delayed is queued again.
    pub(super) fn due(&self) {
        self.packed.fetch_sub(DELAYED - 1, Ordering::SeqCst);
    }

    /// Delayed ones were given up together with their group.
    pub(super) fn forget_delayed(&self, count: usize) {
        let left = self.packed.fetch_sub(count as u64 * DELAYED, Ordering::SeqCst) - count as u64 * DELAYED;
        self.tell(left);
    }

    fn tell(&self, left: u64) {
        if left & ACTIVE == 0 {
            self.quieter.notify_waiters();
        }
    }

    /// Resolves once nothing is queued, unsettled or delayed.
    pub(super) async fn settled(&self) {
        self.until(|packed| packed == 0).await;
    }

    /// Resolves once nothing is queued or unsettled; some may be delayed.
    pub(super) async fn quiet(&self) {
        self.until(|packed| packed & ACTIVE == 0).await;
    }

    async fn until(&self, reached: impl Fn(u64) -> bool) {
        loop {
            // Listens before it looks, so that a change in between is not missed.
            let mut quieter = std::pin::pin!(self.quieter.notified());
            quieter.as_mut().enable();
            if reached(self.packed.load(Ordering::SeqCst)) {
                return;
            }
            quieter.await;
        }
    }
}
