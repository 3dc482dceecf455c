//! Gives each handler its subscription.

use super::problems::Problems;
use super::registry::{HandlerEntry, ServiceEntry};
use super::{overrides, transactions};
use crate::broker::TopicPattern;
use crate::config::Config;
use crate::handler::{RetryDecl, ServiceDecl, SubscriptionDecl};
use crate::message::MessageKind;

/// A subscription with its handlers, not yet bound.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) service: &'static str,
    pub(crate) subscription: SubscriptionDecl,
    pub(crate) topic: TopicPattern,
    pub(crate) handlers: Vec<HandlerEntry>,
}

impl Planned {
    /// The group: the subscription's own, else the service's name.
    pub(crate) fn group(&self) -> &'static str {
        self.subscription.group.unwrap_or(self.service)
    }

    /// Lays the configuration over what the attributes say.
    fn configure(&mut self, config: &Config) {
        let group = self.group();
        let configured = config.subscription(self.service, self.subscription.topic, group);
        self.subscription = overrides::subscription(self.subscription, &configured);
        for handler in &mut self.handlers {
            handler.decl = overrides::handler(handler.decl, &config.handler(self.service, handler.decl.name));
        }
    }

    fn takes(&self, handler: &HandlerEntry) -> bool {
        let decl = &handler.decl;
        self.service == handler.service
            && self.subscription.broker == handler.message.broker
            && self.topic.matches(handler.message.topic)
            && decl.group.is_none_or(|group| group == self.group())
    }
}

/// Gives every handler its subscription: an explicit one of its service that listens to the topic of its
/// message, a literal topic before a pattern, else one with the defaults.
///
/// What comes out has the overrides of the configuration.
pub(crate) fn plan(services: &[ServiceEntry], handlers: &[HandlerEntry], config: &Config, problems: &mut Problems) -> Vec<Planned> {
    let mut plans: Vec<Planned> = services.iter().flat_map(|service| explicit(&service.decl, problems)).collect();
    for handler in handlers {
        if let Some(place) = place_for(&mut plans, handler, problems) {
            add(place, handler, problems);
        }
    }
    for planned in plans.iter().filter(|planned| planned.handlers.is_empty()) {
        let (service, topic) = (planned.service, &planned.topic);
        problems.add(format!("service `{service}` subscribes to `{topic}`, but none of its handlers takes a message of that topic: remove `subscribe(\"{topic}\")`, or write the handler"));
    }
    for planned in &plans {
        check_batches(planned, services, problems);
    }
    plans.iter_mut().for_each(|planned| planned.configure(config));
    plans.iter().for_each(|planned| transactions::check(planned, problems));
    plans
}

/// What a handler of batches can't have around it.
fn check_batches(planned: &Planned, services: &[ServiceEntry], problems: &mut Problems) {
    let service = planned.service;
    for handler in planned.handlers.iter().filter(|handler| handler.decl.batch.is_some()) {
        let (name, location, topic) = (handler.decl.name, handler.decl.location, &planned.topic);
        if planned.subscription.ordered.is_some() {
            problems.add(format!("handler `{name}` ({location}) takes batches, and the subscription of `{service}` to `{topic}` is ordered: messages of one key are handled one after another there. Take `ordered` away, or take single messages"));
        }
        let layers = services.iter().find(|entry| entry.decl.name == service).map_or(&[][..], |entry| entry.layer_names);
        if !layers.is_empty() {
            problems.add(format!("handler `{name}` ({location}) takes batches, and the layers of `{service}` ({}) run around single messages: take the layers away, or put the handler into a service without", layers.join(", ")));
        }
    }
}

fn explicit(service: &ServiceDecl, problems: &mut Problems) -> Vec<Planned> {
    let planned = |subscription: &SubscriptionDecl| {
        let topic = problems
            .keep(subscription.topic.parse().map_err(|error| format!("service `{}` ({}): {error}", service.name, service.location)))?;
        Some(Planned { service: service.name, subscription: *subscription, topic, handlers: Vec::new() })
    };
    service.subscriptions.iter().filter_map(planned).collect()
}

fn place_for<'a>(plans: &'a mut Vec<Planned>, handler: &HandlerEntry, problems: &mut Problems) -> Option<&'a mut Planned> {
    let candidates = || plans.iter().enumerate().filter(|(_, planned)| planned.takes(handler));
    let own_group = |planned: &Planned| handler.decl.group.is_some() || planned.group() == planned.service;
    let best = candidates().max_by_key(|(at, planned)| (own_group(planned), planned.topic.is_literal(), std::cmp::Reverse(*at)));
    let index = match best {
        Some((index, _)) => index,
        None => {
            plans.push(by_default(handler, problems)?);
            plans.len() - 1
        }
    };
    plans.get_mut(index)
}

fn by_default(handler: &HandlerEntry, problems: &mut Problems) -> Option<Planned> {
    let message = &handler.message;
    let topic =
        problems.keep(message.topic.parse().map_err(|error| format!("message `{}` ({}): {error}", message.name, message.rust_path)))?;
    let mut subscription = SubscriptionDecl::new(message.topic).broker(message.broker);
    subscription.group = handler.decl.group;
    Some(Planned { service: handler.service, subscription, topic, handlers: Vec::new() })
}

fn add(planned: &mut Planned, handler: &HandlerEntry, problems: &mut Problems) {
    if let Some(other) = planned.handlers.iter().find(|other| other.message.name == handler.message.name) {
        problems.add(format!(
            "service `{}` has two handlers for `{}` in the group `{}`: `{}` ({}) and `{}` ({}). Give one of them a group of its own",
            planned.service,
            handler.message.name,
            planned.group(),
            other.decl.name,
            other.decl.location,
            handler.decl.name,
            handler.decl.location
        ));
        return;
    }
    let mut handler = handler.clone();
    if handler.message.kind != MessageKind::Event {
        // Somebody waits for the answer: the caller decides whether to try again.
        handler.decl.retry = RetryDecl::DEFAULT.max(0);
    }
    planned.handlers.push(handler);
}
