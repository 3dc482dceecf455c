//! What is judged here: everything that syntax tells, at its place. What only types tell is left to the compiler,
//! by assertions in the wiring.
//!
//! One rule keeps these checks from refusing what is right: what stands under a `#[cfg]`, or takes a type that the
//! scan can't follow, is never said to be missing or double unless both sides stand under the same conditions.

pub(crate) mod config;
mod contracts;
mod events;
mod names;
mod reach;
mod requests;
mod routes;
mod services;
mod system;

use crate::diagnosis::{Diagnosis, Severity};
use crate::model::{Origin, Role, World};
use crate::proto::ProtoServices;
pub(crate) use requests::owned as owned_requests;

/// What the caller decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Warnings are errors.
    pub(crate) strict: bool,
    /// Wire names of events that other systems publish or handle.
    pub(crate) external: Vec<String>,
}

/// All diagnoses of the source, by place.
pub(crate) fn all(world: &World, rules: &Rules, protos: &ProtoServices) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    for krate in &world.crates {
        if krate.role == Role::Generated {
            services::check(krate, &mut found);
            events::check(world, krate, &mut found);
            requests::check(world, krate, &mut found);
            contracts::check(world, krate, protos, &mut found);
            reach::check(krate, &mut found);
        }
        if krate.role == Role::Other {
            services::check_unwired(krate, &mut found);
        }
    }
    names::check(world, &mut found);
    routes::check(world, &mut found);
    if world.crates.iter().any(|krate| krate.role == Role::Member) {
        system::check(world, rules, &mut found);
    }
    finish(found, rules)
}

/// Sorted by place, each once, warnings raised under `strict`.
pub(crate) fn finish(mut found: Vec<Diagnosis>, rules: &Rules) -> Vec<Diagnosis> {
    if rules.strict {
        found.iter_mut().for_each(|it| it.severity = Severity::Error);
    }
    found.sort_by(|left, right| (&left.place, left.severity, &left.cause).cmp(&(&right.place, right.severity, &right.cause)));
    found.dedup();
    found
}

/// Whether the two exist together whenever the later does: the scan may call them double.
fn coexist(left: &Origin, right: &Origin) -> bool {
    left.cfgs.len() == right.cfgs.len() && left.cfgs.iter().all(|cfg| right.cfgs.contains(cfg))
}

/// "did you mean `x`? There are: `a`, `b`", or that there is none.
fn choices<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return "There is none".to_owned();
    }
    let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match comms_syntax::nearest(wanted, known) {
        Some(near) => format!("Did you mean `{near}`? There are: {listed}"),
        None => format!("There are: {listed}"),
    }
}
