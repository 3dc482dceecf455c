//! Health and reflection: what every gRPC server has.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, watch};

use super::health::{Health, State};
use crate::config::GrpcConfig;
use crate::grpc::standard::DESCRIPTORS;
use crate::grpc::standard::health::{HealthDescriptor, HealthService, Vitals};
use crate::grpc::standard::reflection::{Reflection, Reflection1, Reflection1Alpha};
use crate::grpc::{Descriptor, Entry, Terms};

/// How often components are asked that tell how they are doing only when they are asked, while somebody watches: those that can't
/// even say when it is worth asking, and the others in case they forgot.
const LOOK: Duration = Duration::from_secs(5);

/// A gRPC service of the application: its name, who answers it, and its files.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) owner: &'static str,
    pub(super) files: &'static [u8],
}

/// The services that the configuration wants, without those that the application answers itself.
pub(super) fn entries(known: &[Known], config: &GrpcConfig, health: Health, terms: &Arc<Terms>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let own = |name: &str| known.iter().any(|known| known.name == name);
    if known.is_empty() {
        return entries;
    }
    let mut names: Vec<&'static str> = known.iter().map(|known| known.name).collect();
    if config.health && !own(HealthDescriptor::NAME) {
        let services = known.iter().map(|known| (known.name, known.owner)).collect();
        let service = HealthService(Arc::new(Registry { health, services, looking: Mutex::default() }));
        entries.push(Entry::of::<HealthDescriptor, _>("health", Arc::new(service), terms).quiet());
        names.push(HealthDescriptor::NAME);
    }
    if config.reflection {
        names.extend([Reflection1::NAME, Reflection1Alpha::NAME].into_iter().filter(|name| !own(name)));
        let reflection = Arc::new(Reflection::new(names, known.iter().map(|known| known.files).chain([DESCRIPTORS])));
        let current = Entry::of::<Reflection1, _>("reflection", Arc::clone(&reflection), terms).quiet();
        let older = Entry::of::<Reflection1Alpha, _>("reflection", reflection, terms).quiet();
        entries.extend([current, older].into_iter().filter(|entry| !own(entry.name())));
    }
    entries
}

/// The health of the process as callers of gRPC see it.
struct Registry {
    health: Health,
    /// Names of gRPC services, each with the service that answers.
    services: Vec<(&'static str, &'static str)>,
    /// Of all who watch, one looks; what it finds is told to all.
    looking: Mutex<()>,
}

impl Vitals for Registry {
    /// A service serves when the process is ready and no component is down that has its name, or that of the service that answers.
    fn is_serving(&self, service: &str) -> Option<bool> {
        let report = self.health.report();
        if service.is_empty() {
            return Some(report.ready);
        }
        let (name, owner) = self.services.iter().find(|(name, _)| *name == service)?;
        let down = |name: &str| report.components.get(name).is_some_and(|component| matches!(component.state, State::Down { .. }));
        Some(report.ready && !down(name) && !down(owner))
    }

    fn services(&self) -> Vec<&'static str> {
        self.services.iter().map(|(name, _)| *name).collect()
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.health.changes()
    }

    fn look(&self) -> BoxFuture<'_, Infallible> {
        if !self.health.has_silent() {
            return Box::pin(pending());
        }
        Box::pin(async {
            let _turn = self.looking.lock().await;
            loop {
                // What changes while they are asked is not lost.
                let change = self.health.silent_change();
                // Whatever has changed is told on the way.
                let _ = self.health.report();
                let _ = tokio::time::timeout(LOOK, change).await;
            }
        })
    }
}

#[cfg(test)]
mod tests;
