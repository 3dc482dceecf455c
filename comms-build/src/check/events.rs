//! Subscriptions of a service, and which of them feeds which handler. That no two are to one topic in one group is
//! seen by the attribute itself.

use std::collections::BTreeMap;

use super::{choices, coexist};
use crate::diagnosis::Diagnosis;
use crate::model::{Crate, Handler, Kind, Message, Service, World};
use crate::plan::{self, Subscription};

pub(crate) fn check(world: &World, krate: &Crate, found: &mut Vec<Diagnosis>) {
    for service in krate.services.iter().filter(|it| !it.origin.test_only) {
        check_handlers(world, krate, service, found);
        if !krate.incomplete && krate.handlers.iter().all(|it| it.message.message.is_some()) {
            check_unused(world, krate, service, found);
        }
    }
}

/// A queue that fills with what nobody reads; the application would not start.
fn check_unused(world: &World, krate: &Crate, service: &Service, found: &mut Vec<Diagnosis>) {
    let fed: Vec<Subscription> =
        plan::handlers(world, krate, service).map(|(handler, message)| plan::feed(service, handler, message).subscription).collect();
    for unused in plan::declared(service).into_iter().filter(|it| !fed.contains(it)) {
        found.push(Diagnosis::error(
            unused.place,
            format!(
                "the service `{}` subscribes to `{}` in the group `{}`, but none of its handlers is fed by that",
                service.name, unused.topic, unused.group
            ),
            "Take the subscription away, or write the handler; one that another subscription feeds names the group, `#[event_handler(group = \"..\")]`",
        ));
    }
}

fn check_handlers(world: &World, krate: &Crate, service: &Service, found: &mut Vec<Diagnosis>) {
    // By topic, group and wire name.
    let mut fed: BTreeMap<[String; 3], Vec<Handled<'_>>> = BTreeMap::new();
    for (handler, event) in plan::handlers(world, krate, service).filter(|(it, _)| it.kind == Kind::Event) {
        let feed = plan::feed(service, handler, event);
        if !feed.rivals.is_empty() {
            found.push(ambiguous(service, handler, event, &feed.rivals));
        }
        if handler.takes_batches {
            check_batches(service, handler, &feed.subscription, found);
        }
        let key = [feed.subscription.topic, feed.subscription.group, event.wire_name.clone()];
        fed.entry(key).or_default().push((handler, event));
    }
    for handlers in fed.values() {
        check_double(service, handlers, found);
    }
}

type Handled<'a> = (&'a Handler, &'a Message);

fn check_double(service: &Service, handlers: &[Handled<'_>], found: &mut Vec<Diagnosis>) {
    for (at, (later, event)) in handlers.iter().enumerate() {
        let Some((earlier, _)) = handlers[..at].iter().find(|(it, _)| coexist(&it.origin, &later.origin)) else { continue };
        found.push(Diagnosis::error(
            later.origin.place.clone(),
            format!(
                "the service `{}` handles `{}` twice: `{}` here and `{}` at {}",
                service.name, event.wire_name, later.item, earlier.item, earlier.origin.place
            ),
            "A subscription gives each message to one handler: merge the two, or feed one from a second subscription, `subscribe(\"..\", group = \"..\")` and `#[event_handler(group = \"..\")]`",
        ));
    }
}

/// What can't be around a handler of batches; the application would not start.
fn check_batches(service: &Service, handler: &Handler, subscription: &Subscription, found: &mut Vec<Diagnosis>) {
    if subscription.ordered {
        found.push(Diagnosis::error(
            handler.origin.place.clone(),
            format!("`{}` takes batches, and the subscription of `{}` to `{}` is ordered", handler.item, service.name, subscription.topic),
            "Messages of one key are handled one after another there: take `ordered` away, or take single messages",
        ));
    }
    if service.has_layers {
        found.push(Diagnosis::error(
            handler.origin.place.clone(),
            format!("`{}` takes batches, and the layers of `{}` run around single messages", handler.item, service.name),
            "Take `layers(..)` away, or put the handler into a service without",
        ));
    }
}

fn ambiguous(service: &Service, handler: &Handler, event: &Message, groups: &[String]) -> Diagnosis {
    Diagnosis::error(
        handler.origin.place.clone(),
        format!("`{}` could be fed by several subscriptions of `{}` to `{}`", handler.item, service.name, event.topic),
        format!("Say which: `#[event_handler(group = \"..\")]`. {}", choices("", groups.iter().map(String::as_str))),
    )
}
