//! Which subscription feeds which handler: the rules of the runtime, applied to what the scan knows.
//!
//! A handler is fed by the declared subscription of its service whose topic or pattern covers the event's topic
//! and, if the handler names a group, has that group. Where none covers the topic, the service gets a default
//! subscription to it. Where several do, a handler without a group takes the one in the service's own group.

use crate::diagnosis::Place;
use crate::model::{Crate, Handler, Kind, Message, Service, World};

/// A subscription as it will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) group: String,
    pub(crate) ordered: bool,
    /// Where it is declared; nowhere for a default one.
    pub(crate) place: Option<Place>,
}

/// What feeds a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    Subscription(Subscription),
    /// It names a group in which the service has no subscription to the topic; these there are.
    NoSuchGroup(Vec<String>),
    /// It names no group, and these subscriptions could all feed it.
    Ambiguous(Vec<String>),
}

/// What feeds the handler of this event.
pub(crate) fn feed(service: &Service, handler: &Handler, event: &Message) -> Feed {
    let covering: Vec<Subscription> =
        declared(service).into_iter().filter(|it| it.broker == event.broker && covers(&it.topic, &event.topic)).collect();
    let groups = || covering.iter().map(|it| it.group.clone()).collect();
    let in_group = |group: &str| covering.iter().find(|it| it.group == group).cloned();
    match &handler.group {
        Some(group) => in_group(group).map_or_else(|| Feed::NoSuchGroup(groups()), Feed::Subscription),
        None => match &covering[..] {
            [] => Feed::Subscription(default(service, event)),
            [one] => Feed::Subscription(one.clone()),
            _ => in_group(&service.name).map_or_else(|| Feed::Ambiguous(groups()), Feed::Subscription),
        },
    }
}

/// All subscriptions of a service: the declared ones, and the defaults that its handlers bring about.
pub(crate) fn subscriptions(world: &World, krate: &Crate, service: &Service) -> Vec<Subscription> {
    let mut all = declared(service);
    for (handler, event) in event_handlers(world, krate, service) {
        if let Feed::Subscription(feeding) = feed(service, handler, event)
            && !all.contains(&feeding)
        {
            all.push(feeding);
        }
    }
    all
}

/// The event handlers of a service whose event the scan knows.
pub(crate) fn event_handlers<'a>(
    world: &'a World,
    krate: &'a Crate,
    service: &'a Service,
) -> impl Iterator<Item = (&'a Handler, &'a Message)> {
    let handlers = krate.handlers.iter().filter(|it| it.kind == Kind::Event && !it.origin.test_only);
    let own = handlers.filter(|it| it.service.as_ref() == Some(&service.name));
    own.filter_map(|it| Some((it, world.message(it.message.message?))))
}

/// The subscriptions that the attribute of the service declares.
pub(crate) fn declared(service: &Service) -> Vec<Subscription> {
    let declared = service.subscriptions.iter().map(|it| Subscription {
        topic: it.topic.clone(),
        broker: it.broker.clone(),
        group: it.group.clone().unwrap_or_else(|| service.name.clone()),
        ordered: it.ordered,
        place: Some(it.place.clone()),
    });
    declared.collect()
}

fn default(service: &Service, event: &Message) -> Subscription {
    let (topic, broker, group) = (event.topic.clone(), event.broker.clone(), service.name.clone());
    Subscription { topic, broker, group, ordered: false, place: None }
}

/// Whether a topic, or a pattern of topics, covers a topic: `*` is one word, `#` any number.
pub(crate) fn covers(pattern: &str, topic: &str) -> bool {
    let topic: Vec<&str> = topic.split('.').collect();
    meet(&pattern.split('.').collect::<Vec<_>>(), &topic)
}

/// Whether some topic belongs to both patterns.
pub(crate) fn overlap(left: &str, right: &str) -> bool {
    meet(&left.split('.').collect::<Vec<_>>(), &right.split('.').collect::<Vec<_>>())
}

fn meet(left: &[&str], right: &[&str]) -> bool {
    match (left.split_first(), right.split_first()) {
        (None, None) => true,
        (Some((&"#", rest)), _) => meet(rest, right) || right.split_first().is_some_and(|(_, further)| meet(left, further)),
        (_, Some((&"#", _))) => meet(right, left),
        (Some((first, rest)), Some((second, further))) => (first == second || *first == "*" || *second == "*") && meet(rest, further),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_the_brokers_match() {
        assert!(covers("orders", "orders"));
        assert!(covers("shop.#", "shop"));
        assert!(covers("#.eu", "shop.orders.eu"));
        assert!(!covers("shop.*", "shop.orders.eu"));
        assert!(!covers("orders", "orders.eu"));
    }

    #[test]
    fn patterns_overlap_when_a_topic_belongs_to_both() {
        assert!(overlap("shop.#", "#.eu"));
        assert!(overlap("shop.*", "*.orders"));
        assert!(overlap("#", "#"));
        assert!(!overlap("shop.*", "shop.*.eu"));
        assert!(!overlap("a.#", "b.#"));
    }
}
