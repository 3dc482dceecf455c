//! Across the crates of a system: every event has a publisher and a handler, every request an owner.

use super::{Rules, contracts};
use crate::diagnosis::Diagnosis;
use crate::model::{Kind, Message, MessageRef, TypeUse, World};

pub(crate) fn check(world: &World, rules: &Rules, found: &mut Vec<Diagnosis>) {
    if world.crates.iter().any(|krate| krate.incomplete) {
        return;
    }
    let messages = world.messages().filter(|(_, it)| it.origin.is_unconditional() && !rules.external.contains(&it.wire_name));
    for (at, message) in messages {
        match message.kind {
            Kind::Event => check_event(world, at, message, found),
            Kind::Command | Kind::Query => found.extend(check_request(world, message)),
        }
    }
    contracts::check_system(world, &rules.external, found);
}

fn check_event(world: &World, at: MessageRef, message: &Message, found: &mut Vec<Diagnosis>) {
    let external = "or tell the build script that another system does, `.external([\"..\"])`";
    if !published(world).any(|it| is(it, at, message, world)) {
        found.push(Diagnosis::warning(
            message.origin.place.clone(),
            format!("no service of the system publishes the event `{}`", message.wire_name),
            format!("Take a `Publisher<{0}>` as a field of a service, write `publishes({0})` on a handler, {external}", message.ident),
        ));
    }
    if !handled(world).any(|it| is(it, at, message, world)) {
        found.push(Diagnosis::warning(
            message.origin.place.clone(),
            format!("no service of the system handles the event `{}`", message.wire_name),
            format!("Write `#[event_handler] async fn ..(&self, event: {})` in a service, {external}", message.ident),
        ));
    }
}

fn check_request(world: &World, message: &Message) -> Option<Diagnosis> {
    let owner = message.owner.as_deref()?;
    let owns = world.crates.iter().any(|krate| krate.service(owner).is_some());
    // That the owner has a handler is checked where the owner is built, except for messages of crates it does not list.
    let answered = handled(world).any(|it| it.message.is_some_and(|at| world.message(at).wire_name == message.wire_name));
    if answered {
        return None;
    }
    let cause = if owns {
        format!("the service `{owner}` owns the {} `{}`, but has no handler for it", message.kind.name(), message.wire_name)
    } else {
        format!("the {} `{}` is owned by `{owner}`, which is no service of the system", message.kind.name(), message.wire_name)
    };
    let kind = message.kind.name();
    let way_out = format!(
        "Write `#[{kind}] async fn ..(&self, message: {})` in it, list its crate in `.system([..])`, or tell the build script that another system answers, `.external([\"..\"])`",
        message.ident
    );
    Some(Diagnosis::error(message.origin.place.clone(), cause, way_out))
}

/// The same type, or another one for the same name on the wire, or a type that can't be followed but is called so.
fn is(used: &TypeUse, at: MessageRef, message: &Message, world: &World) -> bool {
    match used.message {
        Some(other) => other == at || world.message(other).wire_name == message.wire_name,
        None => used.text.rsplit("::").next() == Some(&message.ident),
    }
}

fn published(world: &World) -> impl Iterator<Item = &TypeUse> {
    let services = world.crates.iter().flat_map(|krate| &krate.services).map(|it| (&it.origin, &it.publishes));
    let handlers = world.crates.iter().flat_map(|krate| &krate.handlers).map(|it| (&it.origin, &it.publishes));
    let providers = world.crates.iter().flat_map(|krate| &krate.providers).map(|it| (&it.origin, &it.publishes));
    services.chain(handlers).chain(providers).filter(|(origin, _)| !origin.test_only).flat_map(|(_, publishes)| publishes)
}

fn handled(world: &World) -> impl Iterator<Item = &TypeUse> {
    world.crates.iter().flat_map(|krate| &krate.handlers).filter(|it| !it.origin.test_only).map(|it| &it.message)
}
