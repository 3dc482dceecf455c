//! The window of message ids that a group has handled: each process has its own, or the broker keeps one for all members.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::observe::Happening;
use super::plan::Entry;
use super::refuse::is_replayed;
use super::worker::Pipeline;
use crate::broker::Delivery;
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

impl Pipeline {
    /// Whether the broker remembers that the group handled the message; it is settled then. Gives it back when the broker does not say.
    pub(super) async fn new_to_the_group(&self, entry: &Entry, delivery: Delivery) -> Option<Delivery> {
        let envelope = delivery.envelope();
        let Some(handled) = self.handled.as_ref().filter(|_| !is_replayed(envelope)) else { return Some(delivery) };
        match handled.contains(&envelope.metadata.id).await {
            Ok(false) => Some(delivery),
            Ok(true) => {
                self.report(entry.decl.name, envelope, Happening::Duplicate);
                delivery.ack();
                None
            }
            Err(error) => {
                self.broker_failed(entry, "ask whether the message was handled before", &error);
                None
            }
        }
    }

    /// The message was handled, which the broker is to remember if it does.
    pub(super) async fn succeed_for_the_group(&self, entry: &Entry, delivery: Delivery) {
        if let Some(handled) = &self.handled
            && let Err(error) = handled.mark(&delivery.envelope().metadata.id).await
        {
            tracing::error!(handler = entry.decl.name, %error, "could not remember that the message was handled; a duplicate will be handled again");
        }
        self.succeed(entry, delivery);
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
