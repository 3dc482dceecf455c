//! What services want of the brokers, against what there is: asked by `check` before anything connects, and at start.

use std::collections::BTreeMap;

use super::AppBuilder;
use super::plans::Planned;
use super::problems::Problems;
use crate::broker::{Capabilities, StartPosition};
use crate::message::MessageType;

/// The brokers by name, each with its URL scheme and what it can do.
pub(super) type Known<'a> = BTreeMap<&'a str, (&'a str, Capabilities)>;

/// Reports every subscription and every published event that has no fitting broker.
pub(super) fn check(app: &AppBuilder, plans: &[Planned], known: &Known<'_>, problems: &mut Problems) {
    plans.iter().for_each(|planned| check_subscription(planned, known, problems));
    let by_services = app.services.iter().flat_map(|service| service.publishes.iter().map(move |event| (service.decl.name, event)));
    let by_handlers = app.handlers.iter().flat_map(|handler| handler.publishes.iter().map(move |event| (handler.service, event)));
    for (service, event) in by_services.chain(by_handlers) {
        check_published(service, event, known, problems);
    }
}

fn check_subscription(planned: &Planned, known: &Known<'_>, problems: &mut Problems) {
    let (service, topic, name) = (planned.service, &planned.topic, planned.subscription.broker);
    let Some((scheme, capabilities)) = known.get(name) else {
        return problems.add(format!("service `{service}` subscribes to `{topic}` on the broker `{name}`, but {}", missing(name, known)));
    };
    if planned.subscription.from == StartPosition::Earliest && !capabilities.replayable {
        problems.add(format!("service `{service}` subscribes to `{topic}` with `from = \"earliest\"`, but the broker `{name}` ({scheme}) keeps nothing to replay: remove it, or choose a replayable broker"));
    }
}

fn check_published(service: &str, event: &MessageType, known: &Known<'_>, problems: &mut Problems) {
    if !known.contains_key(event.broker) {
        problems.add(format!(
            "service `{service}` publishes `{}` on the broker `{}`, but {}",
            event.name,
            event.broker,
            missing(event.broker, known)
        ));
    }
}

fn missing(name: &str, known: &Known<'_>) -> String {
    let names: Vec<&str> = known.keys().copied().collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("there is only: {names}. Add `[brokers.{name}]` with a `url` to the configuration")
}
