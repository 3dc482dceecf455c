//! A member of a group, as the rest of the broker sees it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A member as the broker sees it.
#[derive(Debug, Default)]
pub(super) struct Member {
    pub(super) stopping: AtomicBool,
    pub(super) leaving: AtomicBool,
    pub(super) gone: AtomicBool,
    pub(super) ended: Notify,
    pub(super) assigned: AtomicBool,
    pub(super) change: Notify,
}

impl Member {
    /// Leaves at once.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Leaves once nothing is in hand.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Once its thread has ended.
    pub(super) async fn gone(&self) {
        Self::once(&self.gone, &self.ended).await;
    }

    /// Once it has partitions.
    pub(super) async fn assigned(&self) {
        Self::once(&self.assigned, &self.change).await;
    }

    async fn once(flag: &AtomicBool, notify: &Notify) {
        loop {
            let notified = notify.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if flag.load(Ordering::Acquire) {
                return;
            }
            notified.await;
        }
    }

    pub(super) fn raise(flag: &AtomicBool, notify: &Notify) {
        flag.store(true, Ordering::Release);
        notify.notify_waiters();
    }
}
