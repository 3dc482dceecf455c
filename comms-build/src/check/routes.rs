//! Routes: one answer to every request, over all services that run in one process. Within one impl the attribute says it.

use comms_syntax::route::Clash;

use super::coexist;
use crate::diagnosis::Diagnosis;
use crate::model::{Crate, Implementation, Role, Route, TraitTarget, World};

pub(crate) fn check(world: &World, found: &mut Vec<Diagnosis>) {
    let crates = world.crates.iter().filter(|krate| matches!(krate.role, Role::Generated | Role::Member));
    let routes: Vec<(&Crate, Route)> = crates.flat_map(|krate| routes(world, krate).map(move |it| (krate, it))).collect();
    let mut seen: Vec<(&Crate, &Route)> = Vec::new();
    for (krate, later) in routes.iter().filter(|(_, it)| !it.origin.test_only) {
        let clashing = |(of, earlier): &(&Crate, &'_ Route)| {
            let clash = Clash::of((earlier.verb, &earlier.path), (later.verb, &later.path))?;
            (coexist(&earlier.origin, &later.origin) && meet(world, of, krate)).then(|| diagnosis(clash, earlier, later))
        };
        found.extend(seen.iter().find_map(clashing));
        seen.push((krate, later));
    }
    check_grpc(world, found);
}

/// One answer to every gRPC service.
fn check_grpc(world: &World, found: &mut Vec<Diagnosis>) {
    let crates = world.crates.iter().filter(|krate| matches!(krate.role, Role::Generated | Role::Member));
    let all: Vec<(&Crate, &Implementation)> = crates.flat_map(|krate| krate.implementations.iter().map(move |it| (krate, it))).collect();
    let all: Vec<_> =
        all.into_iter().filter(|(_, it)| !it.origin.test_only && matches!(it.contract.target, TraitTarget::Grpc(_))).collect();
    for (at, (krate, later)) in all.iter().enumerate() {
        let twin = all[..at].iter().find(|(of, earlier)| {
            world.is_same(&earlier.contract, &later.contract) && coexist(&earlier.origin, &later.origin) && meet(world, of, krate)
        });
        if let Some((_, earlier)) = twin {
            let name = world.trait_name(&later.contract);
            let cause = format!("`{}` and `{}` at {} answer one gRPC service, `{name}`", later.item, earlier.item, earlier.origin.place);
            let way_out = "One process has one answer to it: leave one of them out, or run them in processes of their own";
            found.push(Diagnosis::error(later.origin.place.clone(), cause, way_out));
        }
    }
}

/// Those of its services themselves, and those of the contracts that they implement.
fn routes<'a>(world: &'a World, krate: &'a Crate) -> impl Iterator<Item = Route> + 'a {
    krate.routes.iter().cloned().chain(krate.implementations.iter().flat_map(|it| it.routes(world)))
}

/// Whether services of the two crates answer at one address, because a process runs both. Where the process of one is
/// not known, they are assumed to.
fn meet(world: &World, left: &Crate, right: &Crate) -> bool {
    let has_process = |krate: &Crate| world.crates.iter().any(|root| runs(root, krate));
    let together = world.crates.iter().any(|root| runs(root, left) && runs(root, right));
    std::ptr::eq(left, right) || together || !has_process(left) || !has_process(right)
}

/// Whether the binary runs the crate: `comms::main!(a, b)` the libraries that it names, `comms::main!()` itself.
fn runs(root: &Crate, krate: &Crate) -> bool {
    match (root.is_lib(), root.runs.is_empty()) {
        (true, _) => false,
        (false, true) => std::ptr::eq(root, krate),
        (false, false) => krate.is_lib() && root.runs.contains(&krate.name),
    }
}

fn diagnosis(clash: Clash, earlier: &Route, later: &Route) -> Diagnosis {
    let cause = format!(
        "`{}` of `{}` and `{}` of `{}` at {} {}",
        later.requests(),
        later.item,
        earlier.requests(),
        earlier.item,
        earlier.origin.place,
        clash.cause()
    );
    let way_out = clash.way_out();
    Diagnosis::error(later.origin.place.clone(), cause, way_out[..1].to_uppercase() + &way_out[1..])
}
