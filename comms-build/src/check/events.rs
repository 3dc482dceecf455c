//! Subscriptions of a service, and which of them feeds which handler.

use std::collections::HashMap;

use super::{choices, coexist};
use crate::diagnosis::Diagnosis;
use crate::model::{Crate, Handler, Message, Service, World};
use crate::plan::{self, Feed, Subscription};

pub(crate) fn check(world: &World, krate: &Crate, found: &mut Vec<Diagnosis>) {
    for service in krate.services.iter().filter(|it| !it.origin.test_only) {
        check_subscriptions(world, krate, service, found);
        check_handlers(world, krate, service, found);
    }
}

/// Two subscriptions of one group to one topic would each get a part of its messages, or each of them all.
fn check_subscriptions(world: &World, krate: &Crate, service: &Service, found: &mut Vec<Diagnosis>) {
    let all = plan::subscriptions(world, krate, service);
    for (at, later) in all.iter().enumerate() {
        let same = |it: &&Subscription| it.broker == later.broker && it.group == later.group && plan::overlap(&it.topic, &later.topic);
        let Some(earlier) = all[..at].iter().find(same) else { continue };
        let (what, other) = (described(later), described(earlier));
        found.push(Diagnosis::error(
            later.place.clone().or_else(|| earlier.place.clone()),
            format!("the service `{}` subscribes twice in the group `{}`: {what} and {other}", service.name, later.group),
            "Give the second a group of its own, `subscribe(\"..\", group = \"..\")`, and name it on the handlers that it feeds, or take one away",
        ));
    }
}

fn described(subscription: &Subscription) -> String {
    match &subscription.place {
        Some(place) => format!("`{}` at {place}", subscription.topic),
        None => format!("`{}` by default, for its handlers", subscription.topic),
    }
}

fn check_handlers(world: &World, krate: &Crate, service: &Service, found: &mut Vec<Diagnosis>) {
    let mut fed: HashMap<(String, String, String), Vec<(&Handler, &Message)>> = HashMap::new();
    for (handler, event) in plan::event_handlers(world, krate, service) {
        match plan::feed(service, handler, event) {
            Feed::Subscription(it) => {
                fed.entry((it.topic, it.group, event.wire_name.clone())).or_default().push((handler, event));
            }
            Feed::NoSuchGroup(groups) => found.push(no_such_group(service, handler, event, &groups)),
            Feed::Ambiguous(groups) => found.push(ambiguous(service, handler, event, &groups)),
        }
    }
    for handlers in fed.values() {
        check_double(service, handlers, found);
    }
}

fn check_double(service: &Service, handlers: &[(&Handler, &Message)], found: &mut Vec<Diagnosis>) {
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

fn no_such_group(service: &Service, handler: &Handler, event: &Message, groups: &[String]) -> Diagnosis {
    let group = handler.group.as_deref().unwrap_or_default();
    Diagnosis::error(
        handler.origin.place.clone(),
        format!("`{}` is fed by the group `{group}`, but `{}` does not subscribe to `{}` in it", handler.item, service.name, event.topic),
        format!(
            "Write `subscribe(\"{}\", group = \"{group}\")` on the service, or name another group. {}",
            event.topic,
            choices(group, groups.iter().map(String::as_str))
        ),
    )
}

fn ambiguous(service: &Service, handler: &Handler, event: &Message, groups: &[String]) -> Diagnosis {
    Diagnosis::error(
        handler.origin.place.clone(),
        format!("`{}` could be fed by several subscriptions of `{}` to `{}`", handler.item, service.name, event.topic),
        format!("Say which: `#[event_handler(group = \"..\")]`. {}", choices("", groups.iter().map(String::as_str))),
    )
}
