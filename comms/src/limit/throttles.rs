//! The throttles of a process, by what they hold back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Throttle;
use crate::inject::{InjectError, Injectable, Scope};

/// The throttles of a process. Injectable; cheap to clone, every clone is the same register.
///
/// ```
/// use comms::limit::{Rate, Throttles};
///
/// # fn example(throttles: Throttles) {
/// // The handlers of the group `billing` take at most fifty messages of `orders` a second from now on.
/// if let Some(throttle) = throttles.subscription("billing", "orders") {
///     throttle.set(Some(Rate::per_second(50)));
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Throttles(Arc<Mutex<Register>>);

#[derive(Debug, Default)]
struct Register {
    /// By group and topic as declared.
    subscriptions: BTreeMap<(String, String), Throttle>,
    /// By the wire names of the events.
    publishers: BTreeMap<&'static str, Throttle>,
}

impl Throttles {
    /// That of the subscription of the group to the topic, or pattern, as declared; `None` when this process has no such
    /// subscription, or has not started it yet.
    #[must_use]
    pub fn subscription(&self, group: &str, topic: &str) -> Option<Throttle> {
        self.lock().subscriptions.get(&(group.to_owned(), topic.to_owned())).cloned()
    }

    /// That of all publishers of the event in this process, by its wire name; `None` when nothing had one injected.
    #[must_use]
    pub fn publisher(&self, event: &str) -> Option<Throttle> {
        self.lock().publishers.get(event).cloned()
    }

    /// Enters the throttle of a subscription.
    pub(crate) fn enter(&self, group: &str, topic: &str, throttle: Throttle) {
        self.lock().subscriptions.insert((group.to_owned(), topic.to_owned()), throttle);
    }

    /// The one throttle of all publishers of the event.
    pub(crate) fn of_publishers(&self, event: &'static str) -> Throttle {
        self.lock().publishers.entry(event).or_default().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Injectable for Throttles {
    fn inject(scope: &Scope) -> Result<Self, InjectError> {
        scope.get()
    }
}
