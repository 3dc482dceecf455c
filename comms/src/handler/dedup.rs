//! The window of message ids that a group has handled.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::message::Id;

/// How many ids are kept at most, so that memory stays bounded: about 10 MB. The oldest go first.
const CAPACITY: usize = 100_000;

/// Remembers, for a time, which messages were handled with success.
#[derive(Debug)]
pub(crate) struct DedupWindow {
    window: Duration,
    handled: Mutex<Handled>,
}

#[derive(Debug, Default)]
struct Handled {
    ids: HashSet<Id>,
    by_age: VecDeque<(Instant, Id)>,
}

impl DedupWindow {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, handled: Mutex::default() }
    }

    /// Whether the message was handled within the window.
    pub(crate) fn contains(&self, id: &Id) -> bool {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        handled.forget_older_than(self.window);
        handled.ids.contains(id)
    }

    /// Marks the message as handled: called after success only, so that a failure is never taken for a duplicate.
    pub(crate) fn mark(&self, id: &Id) {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        if handled.ids.insert(id.clone()) {
            handled.by_age.push_back((Instant::now(), id.clone()));
        }
        if handled.by_age.len() > CAPACITY {
            handled.forget_oldest();
        }
    }
}

impl Handled {
    fn forget_older_than(&mut self, window: Duration) {
        while self.by_age.front().is_some_and(|(marked, _)| marked.elapsed() > window) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.by_age.pop_front() {
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_only_once_it_was_marked() {
        let window = DedupWindow::new(Duration::from_secs(60));
        let id = Id::new();
        assert!(!window.contains(&id));
        window.mark(&id);
        assert!(window.contains(&id));
    }

    #[test]
    fn an_id_is_forgotten_when_its_time_is_over() {
        let window = DedupWindow::new(Duration::ZERO);
        let id = Id::new();
        window.mark(&id);
        assert!(!window.contains(&id));
    }

    #[test]
    fn memory_is_bounded() {
        let window = DedupWindow::new(Duration::from_secs(3600));
        let first = Id::new();
        window.mark(&first);
        (0..CAPACITY).for_each(|_| window.mark(&Id::new()));
        assert!(!window.contains(&first));
        assert_eq!(window.handled.lock().unwrap().ids.len(), CAPACITY);
    }
}
