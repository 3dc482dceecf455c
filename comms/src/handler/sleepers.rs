//! The workers of a subscription that found nothing to do, and how they hear of something.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The workers that sleep, by number. As a waker it wakes one of them, unless one is awake that asks at that moment.
#[derive(Default)]
pub(super) struct Sleepers {
    list: Mutex<VecDeque<(usize, Waker)>>,
    /// A worker is asking the consumer.
    asking: AtomicBool,
    /// Somebody else was to ask meanwhile.
    word: AtomicBool,
}

/// While a worker asks. Only one does so at a time: it holds the consumer's lock.
pub(super) struct Asking<'a>(&'a Sleepers);

impl Asking<'_> {
    /// It has its answer. Whether it was left word.
    pub(super) fn end(self) -> bool {
        self.0.stop()
    }
}

/// Also when the consumer panics: whoever left word asks itself then.
impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::SeqCst);
        if std::thread::panicking() {
            self.0.wake_all();
        }
    }
}

impl Sleepers {
    pub(super) fn ask(&self) -> Asking<'_> {
        // Older words are about what is found now.
        self.word.swap(false, Ordering::SeqCst);
        self.asking.store(true, Ordering::SeqCst);
        Asking(self)
    }

    fn stop(&self) -> bool {
        self.asking.store(false, Ordering::SeqCst);
        // Between this store and the look below, and the store and the look of `leave_word`, one sees the other.
        fence(Ordering::SeqCst);
        self.word.swap(false, Ordering::SeqCst)
    }

    /// Leaves word with the worker that is asking; false if none is.
    pub(super) fn leave_word(&self) -> bool {
        self.word.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.asking.load(Ordering::SeqCst)
    }

    pub(super) fn sleep(&self, worker: usize, waker: &Waker) {
        let mut sleepers = self.lock();
        match sleepers.iter_mut().find(|(sleeper, _)| *sleeper == worker) {
            Some((_, known)) => known.clone_from(waker),
            None => sleepers.push_back((worker, waker.clone())),
        }
    }

    pub(super) fn awake(&self, worker: usize) {
        self.lock().retain(|(sleeper, _)| *sleeper != worker);
    }

    pub(super) fn wake_one(&self) {
        // The last to go to sleep is the likeliest to have its storage still in a cache.
        let sleeper = self.lock().pop_back();
        if let Some((_, waker)) = sleeper {
            waker.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        let sleepers = std::mem::take(&mut *self.lock());
        sleepers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(usize, Waker)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Sleepers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.leave_word() {
            self.wake_one();
        }
    }
}
