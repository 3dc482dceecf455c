//! How the parts of a process are doing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use crate::inject::{InjectError, Injectable, Scope};

/// How a component is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// As it should.
    Up,
    /// It works, but not as it should: retrying, slow, on its last good answer.
    Degraded {
        /// Why.
        reason: String,
    },
    /// It does not work.
    Down {
        /// Why.
        reason: String,
    },
}

/// What it means for the process when a component is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Matters {
    /// The process is beyond repair: something should restart it.
    Liveness,
    /// The process should get no work until the component is back.
    Readiness,
    /// Nothing; people want to know.
    Nothing,
}

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// Not yet ready.
    #[default]
    Starting,
    /// Ready, if its components are.
    Running,
    /// No longer ready: it finishes what it has.
    Stopping,
}

/// The health of a process: a registry of its components. Cheap to clone; every clone is the same registry.
/// Injectable: a service enters what it depends on, and the admin port tells.
///
/// ```
/// use comms::health::{Health, Matters, Phase};
/// let health = Health::new();
/// let broker = health.component("broker default", Matters::Readiness);
/// health.enter(Phase::Running);
/// assert!(health.report().ready);
/// broker.down("connection refused");
/// assert!(!health.report().ready && health.report().live);
/// broker.up();
/// assert!(health.report().ready);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Health {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    phase: watch::Sender<Phase>,
    components: Mutex<BTreeMap<String, Arc<Slot>>>,
    probes: Mutex<Vec<Probe>>,
    /// Told whenever the phase or the state of a component changes.
    changes: watch::Sender<()>,
}

/// A component that tells how it is doing when it is asked.
struct Probe {
    component: Component,
    /// Whether nobody hears of a change before somebody asks.
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "only who watches over gRPC asks"))]
    silent: bool,
    look: Box<dyn Fn() -> State + Send + Sync>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.component.fmt(f)
    }
}

#[derive(Debug)]
struct Slot {
    matters: Matters,
    current: Mutex<(State, Timestamp)>,
    changes: watch::Sender<()>,
}

/// The hand of a component on its own entry. Cheap to clone; it can be used from any task.
#[derive(Clone, Debug)]
pub struct Component {
    slot: Arc<Slot>,
}

/// Everything that is known at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthReport {
    /// Whether the process should be left running.
    pub live: bool,
    /// Whether the process should get work.
    pub ready: bool,
    /// Where it is in its life.
    pub phase: Phase,
    /// The components by name.
    pub components: BTreeMap<String, ComponentReport>,
}

/// One component at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ComponentReport {
    /// How it is doing.
    #[serde(flatten)]
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// What its being down means.
    pub matters: Matters,
}

impl Health {
    /// A registry without components, of a process that starts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a component, which is up until it says otherwise. A component of that name that is there already is handed
    /// out again, as it was entered.
    pub fn component(&self, name: impl Into<String>, matters: Matters) -> Component {
        let mut components = lock(&self.inner.components);
        let slot = components.entry(name.into()).or_insert_with(|| Arc::new(Slot::new(matters, self.inner.changes.clone())));
        Component { slot: Arc::clone(slot) }
    }

    /// Says where the process is in its life.
    pub fn enter(&self, phase: Phase) {
        self.inner.phase.send_replace(phase);
        self.inner.changes.send_replace(());
    }

    /// Enters a component that is asked whenever somebody asks for the health. One that is silent changes without anybody's notice.
    pub(crate) fn probe(&self, name: impl Into<String>, matters: Matters, silent: bool, look: impl Fn() -> State + Send + Sync + 'static) {
        let component = self.component(name, matters);
        lock(&self.inner.probes).push(Probe { component, silent, look: Box::new(look) });
    }

    /// Told whenever the phase or the state of a component changes, from now on.
    #[cfg(feature = "grpc")]
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.inner.changes.subscribe()
    }

    /// Whether there is a component whose changes nobody hears of before somebody asks for the [`report`](Self::report).
    #[cfg(feature = "grpc")]
    pub(crate) fn has_silent(&self) -> bool {
        lock(&self.inner.probes).iter().any(|probe| probe.silent)
    }

    /// Everything that is known now.
    #[must_use]
    pub fn report(&self) -> HealthReport {
        for Probe { component, look, .. } in lock(&self.inner.probes).iter() {
            component.set(look());
        }
        let phase = *self.inner.phase.borrow();
        let components: BTreeMap<_, _> = lock(&self.inner.components).iter().map(|(name, slot)| (name.clone(), slot.report())).collect();
        let down = |matters| components.values().any(|component| component.is_down() && component.matters == matters);
        let live = !down(Matters::Liveness);
        HealthReport { live, ready: live && phase == Phase::Running && !down(Matters::Readiness), phase, components }
    }
}

impl Injectable for Health {
    fn inject(scope: &Scope) -> Result<Self, InjectError> {
        scope.get()
    }
}

impl Slot {
    fn new(matters: Matters, changes: watch::Sender<()>) -> Self {
        Self { matters, current: Mutex::new((State::Up, Timestamp::now())), changes }
    }

    fn report(&self) -> ComponentReport {
        let (state, since) = lock(&self.current).clone();
        ComponentReport { state, since, matters: self.matters }
    }
}

impl ComponentReport {
    fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
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

    /// `since` moves only when the state does, not when a reason changes.
    fn set(&self, state: State) {
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

/// The values are whole after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Health {
        let health = Health::new();
        health.enter(Phase::Running);
        health
    }

    #[test]
    fn a_process_is_ready_only_while_it_runs() {
        let health = Health::new();
        assert!(health.report().live && !health.report().ready);
        health.enter(Phase::Running);
        assert!(health.report().ready);
        health.enter(Phase::Stopping);
        assert!(health.report().live && !health.report().ready);
    }

    #[test]
    fn what_is_down_counts_as_far_as_it_matters() {
        let health = running();
        health.component("cache", Matters::Nothing).down("gone");
        assert!(health.report().ready);
        health.component("broker default", Matters::Readiness).degraded("reconnecting");
        assert!(health.report().ready);
        health.component("broker default", Matters::Readiness).down("refused");
        assert!(health.report().live && !health.report().ready);
        health.component("event loop", Matters::Liveness).down("stuck");
        assert!(!health.report().live);
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn whoever_waits_hears_of_every_change_and_of_nothing_else() {
        let health = Health::new();
        let mut changes = health.changes();
        let mut changed = || {
            changes.has_changed().unwrap() && {
                changes.mark_unchanged();
                true
            }
        };
        health.enter(Phase::Running);
        assert!(changed() && !changed());
        let broker = health.component("broker default", Matters::Readiness);
        broker.down("refused");
        assert!(changed());
        broker.down("refused again");
        broker.clone().down("and again");
        assert!(!changed());
        broker.up();
        assert!(changed());
        let (up, asked) = (Arc::new(std::sync::atomic::AtomicBool::new(true)), std::sync::atomic::Ordering::SeqCst);
        assert!(!health.has_silent());
        let look = Arc::clone(&up);
        health.probe(
            "cache",
            Matters::Nothing,
            true,
            move || {
                if look.load(asked) { State::Up } else { State::Down { reason: "gone".to_owned() } }
            },
        );
        assert!(health.has_silent());
        let _ = health.report();
        assert!(!changed());
        up.store(false, asked);
        let _ = health.report();
        assert!(changed());
    }

    #[test]
    fn the_report_is_plain_json() {
        let health = running();
        let broker = health.component("broker default", Matters::Readiness);
        broker.down("refused");
        let first = health.report().components["broker default"].since;
        broker.down("refused again");
        let report = serde_json::to_value(health.report()).unwrap();
        let component = &report["components"]["broker default"];
        assert_eq!((&report["ready"], &report["phase"]), (&false.into(), &"running".into()));
        assert_eq!(
            (&component["state"], &component["reason"], &component["matters"]),
            (&"down".into(), &"refused again".into(), &"readiness".into())
        );
        assert_eq!(component["since"], serde_json::to_value(first).unwrap());
    }
}
