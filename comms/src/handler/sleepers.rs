//! The workers of a subscription that found nothing to do, and how they hear of something.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The workers that sleep, by number. As a waker it wakes one of them, unless one is awake that asks at that moment.
///
/// Whoever leaves word writes `word` and then looks at `asking`; whoever has asked writes `asking` and then looks at `word`. All four are
/// in one order (`SeqCst`), so one of the two sees what the other wrote.
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
        self.0.asking.store(false, Ordering::SeqCst);
        self.0.word.swap(false, Ordering::SeqCst)
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

    /// Leaves word with the worker that is asking; false if none is.
    pub(super) fn leave_word(&self) -> bool {
        self.word.store(true, Ordering::SeqCst);
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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn asleep(sleepers: &Sleepers, worker: usize) -> Arc<Count> {
        let count = Arc::<Count>::default();
        sleepers.sleep(worker, &Waker::from(Arc::clone(&count)));
        count
    }

    fn woken(count: &Count) -> usize {
        count.0.load(Ordering::SeqCst)
    }

    #[test]
    fn while_one_asks_it_is_left_word_and_nobody_is_woken() {
        let sleepers = Arc::<Sleepers>::default();
        let sleeper = asleep(&sleepers, 0);
        let asking = sleepers.ask();
        Waker::from(Arc::clone(&sleepers)).wake();
        assert!(asking.end());
        assert_eq!(woken(&sleeper), 0);
        assert!(!sleepers.ask().end(), "it was told");
        Waker::from(Arc::clone(&sleepers)).wake();
        assert_eq!(woken(&sleeper), 1);
    }

    #[test]
    fn when_the_one_that_asks_panics_everybody_looks() {
        let sleepers = Sleepers::default();
        let (one, other) = (asleep(&sleepers, 0), asleep(&sleepers, 1));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _asking = sleepers.ask();
            assert!(sleepers.leave_word());
            panic!("the consumer did");
        }));
        assert!(panicked.is_err() && !sleepers.leave_word());
        assert_eq!((woken(&one), woken(&other)), (1, 1));
    }
}
