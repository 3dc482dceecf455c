//! One component: what it tells of itself.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::watch;

use super::lock;
use super::state::{ComponentReport, Matters, State};

#[derive(Debug)]
pub(super) struct Slot {
    matters: Matters,
    current: Mutex<(State, Timestamp)>,
    detail: Mutex<Option<String>>,
    changes: watch::Sender<()>,
}

/// The hand of a component on its own entry. Cheap to clone; it can be used from any task.
#[derive(Clone, Debug)]
pub struct Component {
    pub(super) slot: Arc<Slot>,
}

impl Slot {
    pub(super) fn new(matters: Matters, changes: watch::Sender<()>) -> Self {
        Self { matters, current: Mutex::new((State::Up, Timestamp::now())), detail: Mutex::default(), changes }
    }

    pub(super) fn report(&self) -> ComponentReport {
        let (state, since) = lock(&self.current).clone();
        ComponentReport { state, since, matters: self.matters, detail: lock(&self.detail).clone() }
    }
}

impl Component {
    /// It works.
    pub fn up(&self) {
        self.set(State::Up);
    }

    /// It works, but not as it should.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.set(State::Degraded { reason: reason.into() });
    }

    /// It does not work.
    pub fn down(&self, reason: impl Into<String>) {
        self.set(State::Down { reason: reason.into() });
    }

    /// What people may want to know of it, whatever its state: a figure, a version. It stands in the report until something else is told.
    pub fn tell(&self, detail: impl Into<String>) {
        *lock(&self.slot.detail) = Some(detail.into());
    }

    /// `since` moves only when the state does, not when a reason changes.
    pub(super) fn set(&self, state: State) {
        let mut current = lock(&self.slot.current);
        let same = std::mem::discriminant(&current.0) == std::mem::discriminant(&state);
        let since = if same { current.1 } else { Timestamp::now() };
        *current = (state, since);
        drop(current);
        if !same {
            self.slot.changes.send_replace(());
        }
    }
}
