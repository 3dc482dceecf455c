//! Contracts: what is implemented and called is one, and in a system somebody implements what is called.

use super::{choices, coexist};
use crate::diagnosis::{Diagnosis, Place};
use crate::model::{Client, ClientKind, Crate, Implementation, Origin, Role, TraitTarget, TraitUse, World};
use crate::proto::ProtoServices;

/// Of one crate that wiring is generated for.
pub(crate) fn check(world: &World, krate: &Crate, protos: &ProtoServices, found: &mut Vec<Diagnosis>) {
    for it in krate.implementations.iter().filter(|it| !it.origin.test_only) {
        found.extend(check_trait(world, &it.origin, "implements", &it.contract, protos));
        check_rpcs(world, it, found);
    }
    for it in krate.clients.iter().filter(|it| !it.origin.test_only) {
        found.extend(check_trait(world, &it.origin, "calls", &it.contract, protos).or_else(|| check_kind(world, it)));
    }
    check_names(krate, found);
}

/// What a method of a contract needs to be told, callers read in its trait.
fn check_rpcs(world: &World, it: &Implementation, found: &mut Vec<Diagnosis>) {
    if let TraitTarget::Contract(_) = it.contract.target {
        let name = world.trait_name(&it.contract);
        found.extend(it.rpcs.iter().map(|(method, line)| {
            let cause = format!("#[rpc] on `{method}`, which answers HTTP requests: `{name}` is no gRPC service");
            let place = Place { file: it.origin.place.file.clone(), line: *line };
            Diagnosis::error(place, cause, "Say it on the route of the method, in the trait: `#[get(\"/..\", timeout = \"5s\")]`")
        }));
    }
}

fn check_trait(world: &World, origin: &Origin, verb: &str, used: &TraitUse, protos: &ProtoServices) -> Option<Diagnosis> {
    let text = &used.text;
    let (cause, way_out) = match &used.target {
        TraitTarget::NoSuchProto(name) => {
            let known = protos.0.iter().flatten().map(|it| it.name.as_str());
            (format!("this {verb} `{text}`, but no `.proto` file of build.rs has a service `{name}`"), choices(name, known))
        }
        TraitTarget::NoContract => (
            format!("this {verb} `{text}`, which is no contract"),
            "A contract is a trait under `#[service(name = \"..\", version = \"..\")]`, or one that `comms::proto!()` takes in".to_owned(),
        ),
        _ => return None,
    };
    // What stands in a crate that could not be read is the compiler's to judge.
    let complete = world.crates.iter().all(|krate| !krate.incomplete);
    complete.then(|| Diagnosis::error(origin.place.clone(), cause, way_out))
}

/// A contract travels over HTTP, a service of a `.proto` file over gRPC.
fn check_kind(world: &World, client: &Client) -> Option<Diagnosis> {
    let text = &client.contract.text;
    let (what, right) = match (client.kind, &client.contract.target) {
        (ClientKind::Http, TraitTarget::Grpc(name)) => (format!("the gRPC service `{name}`"), "grpc"),
        (ClientKind::Grpc, TraitTarget::Contract(at)) => {
            (format!("the contract `{}`, which travels over HTTP", world.contract(*at).name), "http")
        }
        _ => return None,
    };
    let cause = format!("the client `{}` calls `{text}` over {}, but that is {what}", client.ident, client.kind.name());
    Some(Diagnosis::error(client.origin.place.clone(), cause, format!("Write `#[client({right} = {text})]`")))
}

/// Each client has its own part of the configuration.
fn check_names(krate: &Crate, found: &mut Vec<Diagnosis>) {
    for (at, later) in krate.clients.iter().enumerate().filter(|(_, it)| !it.origin.test_only) {
        let Some(earlier) = krate.clients[..at].iter().find(|it| it.name == later.name && coexist(&it.origin, &later.origin)) else {
            continue;
        };
        found.push(Diagnosis::error(
            later.origin.place.clone(),
            format!("two clients are named `{}`: `{}` here and `{}` at {}", later.name, later.ident, earlier.ident, earlier.origin.place),
            "`clients.NAME` in comms.toml configures one: give this one `name = \"..\"`, or use the first in both places",
        ));
    }
}

/// Across the crates of a system: somebody implements what is called.
pub(crate) fn check_system(world: &World, external: &[String], found: &mut Vec<Diagnosis>) {
    let crates = world.crates.iter().filter(|krate| matches!(krate.role, Role::Generated | Role::Member));
    for client in crates.flat_map(|krate| &krate.clients).filter(|it| it.origin.is_unconditional() && it.url.is_none()) {
        let name = world.trait_name(&client.contract);
        let implemented =
            world.crates.iter().flat_map(|krate| &krate.implementations).any(|it| world.is_same(&it.contract, &client.contract));
        let known = matches!(client.contract.target, TraitTarget::Contract(_) | TraitTarget::Grpc(_) | TraitTarget::Unknown);
        if known && !implemented && !external.contains(&name) {
            found.push(Diagnosis::warning(
                client.origin.place.clone(),
                format!("the client `{}` calls `{name}`, which no service of the system implements", client.ident),
                format!(
                    "Write `#[service] impl {} for ..` in a service, list its crate in `.system([..])`, or tell the build script that another system does, `.external([{name:?}])`",
                    client.contract.text
                ),
            ));
        }
    }
}
