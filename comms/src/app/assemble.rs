//! Makes the values of an application in the order of their dependencies.

use std::collections::HashSet;

use super::problems::Problems;
use super::registry::{ProviderEntry, ServiceEntry};
use crate::inject::{Scope, TypeRef};
use crate::publisher::Source;

/// A provider or a service: something that makes a value out of others.
enum Node<'a> {
    Provider(&'a ProviderEntry),
    Service(&'a ServiceEntry),
}

impl Node<'_> {
    fn provides(&self) -> TypeRef {
        match self {
            Self::Provider(provider) => provider.provides,
            Self::Service(service) => service.provides,
        }
    }

    fn depends(&self) -> &[TypeRef] {
        match self {
            Self::Provider(provider) => &provider.depends,
            Self::Service(service) => &service.depends,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Provider(provider) => format!("provider `{}` ({})", provider.decl.name, provider.decl.location),
            Self::Service(service) => format!("service `{}` ({})", service.decl.name, service.decl.location),
        }
    }

    async fn make(&self, scope: &mut Scope) -> Result<(), String> {
        match self {
            Self::Provider(provider) => {
                let value = (provider.run)(scope).map_err(|error| error.to_string())?;
                let insert = value.await.map_err(|error| crate::error::chain_text(error.as_ref()).join(": "))?;
                insert(scope);
                Ok(())
            }
            Self::Service(service) => {
                // What its publishers send comes from this service, whoever else runs in the process.
                let process = scope.insert(Source(service.decl.name.into()));
                let built = (service.build)(scope).map_err(|error| error.to_string());
                process.map(|process| scope.insert(process));
                built
            }
        }
    }
}

/// Makes every value. One that fails is a problem; what depends on it, or on what failed before, is left out without a further one.
pub(crate) async fn assemble(
    providers: &[ProviderEntry],
    services: &[ServiceEntry],
    provided: &[TypeRef],
    mut failed: HashSet<TypeRef>,
    scope: &mut Scope,
    problems: &mut Problems,
) {
    let overridden = |provider: &&ProviderEntry| !provided.contains(&provider.provides);
    let mut waiting: Vec<Node<'_>> = providers.iter().filter(overridden).map(Node::Provider).collect();
    waiting.extend(services.iter().map(Node::Service));
    let mut unmade: HashSet<TypeRef> = waiting.iter().map(Node::provides).collect();
    while !waiting.is_empty() {
        let (ready, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|node| node.depends().iter().all(|wanted| !unmade.contains(wanted)));
        if ready.is_empty() {
            return problems.add(circle(&later));
        }
        for node in ready {
            if node.depends().iter().any(|wanted| failed.contains(wanted)) {
                failed.insert(node.provides());
            } else if let Err(reason) = node.make(scope).await {
                problems.add(format!("{}: {reason}", node.name()));
                failed.insert(node.provides());
            }
            unmade.remove(&node.provides());
        }
        waiting = later;
    }
}

fn circle(nodes: &[Node<'_>]) -> String {
    let names: Vec<String> = nodes.iter().map(Node::name).collect();
    format!(
        "these wait for each other's values: {}. Break the circle: let one of them take a `CommandBus` or a `Publisher` instead",
        names.join(", ")
    )
}
