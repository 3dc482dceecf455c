//! Commands and queries: exactly one handler, in the service that the message names as its owner.

use super::coexist;
use crate::diagnosis::Diagnosis;
use crate::model::{Crate, Handler, Kind, Message, MessageRef, Role, World};

pub(crate) fn check(world: &World, krate: &Crate, found: &mut Vec<Diagnosis>) {
    for handler in krate.handlers.iter().filter(|it| it.kind != Kind::Event && !it.origin.test_only) {
        if let Some(message) = handler.message.message.map(|at| world.message(at)) {
            found.extend(check_owner(handler, message));
        }
    }
    for (at, message) in owned(world, krate) {
        check_count(krate, at, message, found);
    }
}

/// The commands and queries that a service of this crate must handle: its own, and those of contract crates.
pub(crate) fn owned<'a>(world: &'a World, krate: &'a Crate) -> impl Iterator<Item = (MessageRef, &'a Message)> {
    let visible = world
        .messages()
        .filter(move |(at, _)| std::ptr::eq(&world.crates[at.krate], krate) || world.crates[at.krate].role == Role::Contracts);
    visible.filter(move |(_, it)| !it.origin.test_only && it.owner.as_ref().is_some_and(|owner| krate.service(owner).is_some()))
}

fn check_owner(handler: &Handler, message: &Message) -> Option<Diagnosis> {
    let (Some(service), Some(owner)) = (&handler.service, &message.owner) else { return None };
    (service != owner).then(|| {
        Diagnosis::error(
            handler.origin.place.clone(),
            format!(
                "`{}` handles the {} `{}` in the service `{service}`, but the message says that `{owner}` owns it",
                handler.item,
                message.kind.name(),
                message.wire_name
            ),
            format!("Move the handler to `{owner}`, or change `owner` at {}", message.origin.place),
        )
    })
}

fn check_count(krate: &Crate, at: MessageRef, message: &Message, found: &mut Vec<Diagnosis>) {
    let requests = krate.handlers.iter().filter(|it| it.kind != Kind::Event && !it.origin.test_only);
    let handlers: Vec<&Handler> = requests.clone().filter(|it| it.message.message == Some(at)).collect();
    let untold = requests.filter(|it| it.message.message.is_none()).count();
    if handlers.is_empty() && untold == 0 && !krate.incomplete && message.origin.is_unconditional() {
        found.push(missing(krate, message));
    }
    for (place, later) in handlers.iter().enumerate() {
        if let Some(earlier) = handlers[..place].iter().find(|it| coexist(&it.origin, &later.origin)) {
            found.push(double(message, earlier, later));
        }
    }
}

fn missing(krate: &Crate, message: &Message) -> Diagnosis {
    let owner = message.owner.as_deref().unwrap_or_default();
    let service = krate.service(owner).map_or(owner, |service| service.ident.as_str());
    let kind = message.kind.name();
    Diagnosis::error(
        message.origin.place.clone(),
        format!("nothing handles the {kind} `{}`, which the service `{owner}` owns", message.wire_name),
        format!("Write `#[{kind}] async fn ..(&self, message: {}) -> Result<.., ..>` in a `#[service] impl {service}`", message.ident),
    )
}

fn double(message: &Message, earlier: &Handler, later: &Handler) -> Diagnosis {
    let kind = message.kind.name();
    Diagnosis::error(
        later.origin.place.clone(),
        format!(
            "the {kind} `{}` has two handlers: `{}` here and `{}` at {}",
            message.wire_name, later.item, earlier.item, earlier.origin.place
        ),
        format!("A {kind} gets one answer: take one of them away, or give it a message type of its own"),
    )
}
