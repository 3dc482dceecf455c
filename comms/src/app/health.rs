//! How the parts of a process are doing.

mod component;
mod probe;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

pub use self::component::Component;
use self::component::Slot;
use self::probe::Probe;
pub use self::state::{ComponentReport, HealthReport, Matters, Phase, State};
use crate::inject::{InjectError, Injectable, Scope};

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
        lock(&self.inner.probes).push(Probe { component, silent, changed: Box::new(|| None), look: Box::new(look) });
    }

    /// The same of a silent one that can tell when it is worth asking.
    pub(crate) fn probe_told(
        &self,
        name: impl Into<String>,
        matters: Matters,
        changed: impl Fn() -> Option<BoxFuture<'static, ()>> + Send + Sync + 'static,
        look: impl Fn() -> State + Send + Sync + 'static,
    ) {
        let component = self.component(name, matters);
        lock(&self.inner.probes).push(Probe { component, silent: true, changed: Box::new(changed), look: Box::new(look) });
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

    /// Resolves once the [`report`](Self::report) may say something else than at the time of the call, as far as silent components tell.
    #[cfg(feature = "grpc")]
    pub(crate) fn silent_change(&self) -> impl Future<Output = ()> + Send + 'static {
        let changes: Vec<_> = lock(&self.inner.probes).iter().filter_map(|probe| (probe.changed)()).collect();
        async move {
            if changes.is_empty() {
                std::future::pending().await
            }
            drop(futures_util::future::select_all(changes).await);
        }
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

/// The values are whole after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
