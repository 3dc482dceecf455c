//! Which subscription feeds which handler: the rules of the runtime, applied to what the scan knows.
//!
//! A handler is fed by the declared subscription of its service whose topic or pattern covers the message's topic
//! and, if the handler names a group, has that group: one in the service's own group first, a literal topic before
//! a pattern, the first before the later. Where none covers it, the service gets a default subscription.

use crate::diagnosis::Place;
use crate::model::{Crate, Handler, Message, Service, World};

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
pub(crate) struct Feed {
    pub(crate) subscription: Subscription,
    /// The groups of declared subscriptions that could feed it as well, none of them the service's own: which
    /// one does is an accident of their order.
    pub(crate) rivals: Vec<String>,
}

/// What feeds the handler of this message.
pub(crate) fn feed(service: &Service, handler: &Handler, message: &Message) -> Feed {
    let own = |it: &Subscription| handler.group.is_some() || it.group == service.name;
    let takes = |it: &Subscription| {
        it.broker == message.broker && covers(&it.topic, &message.topic) && handler.group.as_ref().is_none_or(|group| *group == it.group)
    };
    let mut covering: Vec<Subscription> = declared(service).into_iter().filter(takes).collect();
    covering.sort_by_key(|it| (!own(it), !is_literal(&it.topic)));
    let Some(first) = covering.first().cloned() else {
        return Feed { subscription: default(service, handler, message), rivals: Vec::new() };
    };
    let rivals = if own(&first) { Vec::new() } else { covering.iter().map(|it| it.group.clone()).collect() };
    Feed { subscription: first, rivals: if rivals.len() > 1 { rivals } else { Vec::new() } }
}

fn is_literal(topic: &str) -> bool {
    !topic.contains(['*', '#'])
}

/// All subscriptions of a service: the declared ones, and the defaults that its handlers bring about.
pub(crate) fn subscriptions(world: &World, krate: &Crate, service: &Service) -> Vec<Subscription> {
    let mut all = declared(service);
    for (handler, message) in handlers(world, krate, service) {
        let feeding = feed(service, handler, message).subscription;
        if !all.contains(&feeding) {
            all.push(feeding);
        }
    }
    all
}

/// The handlers of a service whose message the scan knows.
pub(crate) fn handlers<'a>(world: &'a World, krate: &'a Crate, service: &'a Service) -> impl Iterator<Item = (&'a Handler, &'a Message)> {
    let own = krate.handlers.iter().filter(|it| !it.origin.test_only && it.service.as_ref() == Some(&service.name));
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

fn default(service: &Service, handler: &Handler, message: &Message) -> Subscription {
    let (topic, broker) = (message.topic.clone(), message.broker.clone());
    let group = handler.group.clone().unwrap_or_else(|| service.name.clone());
    Subscription { topic, broker, group, ordered: false, place: None }
}

/// Whether a topic, or a pattern of topics, covers a topic: `*` is one word, `#` any number.
pub(crate) fn covers(pattern: &str, topic: &str) -> bool {
    let topic: Vec<&str> = topic.split('.').collect();
    meet(&pattern.split('.').collect::<Vec<_>>(), &topic)
}

fn meet(pattern: &[&str], topic: &[&str]) -> bool {
    match pattern.split_first() {
        None => topic.is_empty(),
        Some((&"#", rest)) => (0..=topic.len()).any(|skipped| meet(rest, &topic[skipped..])),
        Some((&word, rest)) => topic.split_first().is_some_and(|(&first, further)| (word == "*" || word == first) && meet(rest, further)),
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
}
