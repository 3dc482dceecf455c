//! What the configuration may refer to: the names that the code declares.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tree::{self, Node, Table};
use super::{Config, ConfigProblem, LimitConfig, Origin, RetryConfig, format_duration};
use crate::text::suggest;

/// The names that exist in the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// The brokers that message types and subscriptions are declared on; `default` is always one.
    pub brokers: Vec<String>,
    /// The clients.
    pub clients: Vec<String>,
    /// The services.
    pub services: BTreeMap<String, KnownService>,
}

/// The names within a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownService {
    /// Each subscription by its topic as declared, or `topic@group` where there are several to one topic.
    pub subscriptions: Vec<String>,
    /// The handlers by name, with what their attributes say.
    pub handlers: BTreeMap<String, KnownHandler>,
    /// The routes by the names of their methods; they are configured as handlers are, but not retried.
    pub routes: Vec<String>,
    /// The methods of its gRPC services by their names in Rust; they are configured as routes are.
    pub rpcs: Vec<String>,
}

/// What the attribute of a handler says, for the rules that compare it with the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownHandler {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Whether failures are retried at all: those of events are, those of commands and queries are their callers' to retry.
    pub retried: bool,
    /// How many retries.
    pub max: u32,
    /// How many of them at once.
    pub immediate: u32,
}

impl KnownNames {
    fn broker_names(&self) -> impl Iterator<Item = &str> {
        std::iter::once("default").chain(self.brokers.iter().map(String::as_str).filter(|name| *name != "default"))
    }

    /// The names that may stand at the path: of brokers, clients, services, subscriptions or handlers.
    pub(super) fn at(&self, path: &[String]) -> Vec<&str> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["brokers"] => self.broker_names().collect(),
            ["clients"] => self.clients.iter().map(String::as_str).collect(),
            ["service"] => self.services.keys().map(String::as_str).collect(),
            ["service", service, kind] => self.services.get(*service).map(|service| service.names(kind)).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

impl KnownService {
    fn names(&self, kind: &str) -> Vec<&str> {
        match kind {
            "subscription" => self.subscriptions.iter().map(String::as_str).collect(),
            "handler" => self.handlers.keys().chain(&self.routes).chain(&self.rpcs).map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl Config {
    /// What the configuration says of brokers, services, subscriptions and handlers that do not exist, and
    /// what contradicts the code.
    #[must_use]
    pub fn check_names(&self, known: &KnownNames) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        each(self.tree(), &["brokers"], |name, node| {
            if !known.broker_names().any(|known| known == name) {
                problems.push(nothing(
                    "broker",
                    "no message type or subscription is declared on it",
                    name,
                    node,
                    "brokers",
                    known.broker_names(),
                ));
            }
        });
        each(self.tree(), &["clients"], |name, node| {
            if !known.clients.iter().any(|known| known == name) {
                let known = known.clients.iter().map(String::as_str);
                problems.push(nothing("client", "this process has none of that name", name, node, "clients", known));
            }
        });
        each(self.tree(), &["service"], |name, node| match known.services.get(name) {
            Some(service) => check_service(name, node, service, &mut problems),
            None => {
                problems.push(nothing(
                    "service",
                    "this process has none of that name",
                    name,
                    node,
                    "service",
                    known.services.keys().map(String::as_str),
                ));
            }
        });
        self.check_handlers(known, &mut problems);
        problems
    }

    fn check_handlers(&self, known: &KnownNames, problems: &mut Vec<ConfigProblem>) {
        for (service, handlers) in &known.services {
            for (name, declared) in &handlers.handlers {
                self.check_handler(service, name, declared, problems);
            }
            handlers.routes.iter().for_each(|name| self.check_route(service, name, "HTTP requests", problems));
            let others = handlers.handlers.keys().chain(&handlers.routes).filter(|name| !handlers.rpcs.contains(name));
            others.for_each(|name| self.check_no_limit(service, name, &handlers.rpcs, problems));
            let rpcs = handlers.rpcs.iter().filter(|name| !handlers.routes.contains(name));
            rpcs.for_each(|name| self.check_route(service, name, "gRPC calls", problems));
        }
    }

    fn check_handler(&self, service: &str, name: &str, declared: &KnownHandler, problems: &mut Vec<ConfigProblem>) {
        let handler = self.handler(service, name);
        let path = format!("service.{service}.handler.{name}");
        if !declared.retried && handler.retry != RetryConfig::default() {
            let message = "it handles a command or query, whose caller waits and decides whether to try again: remove `retry`";
            problems.push(ConfigProblem::new(self.origin(&format!("{path}.retry")), format!("{path}.retry"), message));
        }
        let (max, immediate) = (handler.retry.max.unwrap_or(declared.max), handler.retry.immediate.unwrap_or(declared.immediate));
        if declared.retried && immediate > max && (handler.retry.max.is_some() || handler.retry.immediate.is_some()) {
            let message =
                format!("`immediate` is {immediate}, more than `max`, which is {max}: the immediate retries are some of all retries");
            problems.push(ConfigProblem::new(self.origin(&format!("{path}.retry")), format!("{path}.retry"), message));
        }
        if declared.retried && handler.retry.max == Some(0) && handler.retry.backoff.is_some() {
            let message = "`max` is 0, so that nothing is retried and this is never used: remove it, or raise `max`";
            problems.push(ConfigProblem::new(self.origin(&format!("{path}.retry.backoff")), format!("{path}.retry.backoff"), message));
        }
        self.check_timeout(&path, handler.timeout.unwrap_or(declared.timeout), problems);
    }

    fn check_route(&self, service: &str, name: &str, answered: &str, problems: &mut Vec<ConfigProblem>) {
        let route = self.handler(service, name);
        let path = format!("service.{service}.handler.{name}");
        if route.retry != RetryConfig::default() {
            let message = format!("it answers {answered}, whose clients wait and decide whether to try again: remove `retry`");
            problems.push(ConfigProblem::new(self.origin(&format!("{path}.retry")), format!("{path}.retry"), message));
        }
        if let Some(timeout) = route.timeout.filter(|timeout| *timeout > self.shutdown.timeout) {
            let message = format!(
                "a request may take {}, longer than `shutdown.timeout`, which is {}: a stop would cut it off; raise `shutdown.timeout` or lower this",
                format_duration(timeout),
                format_duration(self.shutdown.timeout)
            );
            problems.push(ConfigProblem::new(self.origin(&format!("{path}.timeout")), format!("{path}.timeout"), message));
        }
    }

    fn check_no_limit(&self, service: &str, name: &str, rpcs: &[String], problems: &mut Vec<ConfigProblem>) {
        if self.handler(service, name).limit == LimitConfig::default() {
            return;
        }
        let path = format!("service.{service}.handler.{name}.limit");
        let methods = match rpcs {
            [] => "the service has none".to_owned(),
            rpcs => format!("those of the service are `{}`", rpcs.join("`, `")),
        };
        let message = format!("the messages of gRPC methods have limits here, and `{name}` is none; {methods}: remove `limit`");
        problems.push(ConfigProblem::new(self.origin(&path), path, message));
    }

    /// A contradiction only when the configuration takes part in it: the code alone is not its fault.
    fn check_timeout(&self, path: &str, timeout: Duration, problems: &mut Vec<ConfigProblem>) {
        let own = self.origin(&format!("{path}.timeout"));
        let origin = if own == Origin::Default { self.origin("shutdown.timeout") } else { own };
        if origin != Origin::Default && timeout > self.shutdown.timeout {
            let message = format!(
                "an attempt may take {}, longer than `shutdown.timeout`, which is {}: a stop would cut it off and the message would come twice; raise `shutdown.timeout` or lower the handler's `timeout`",
                format_duration(timeout),
                format_duration(self.shutdown.timeout)
            );
            problems.push(ConfigProblem::new(origin, format!("{path}.timeout"), message));
        }
    }
}

fn check_service(service: &str, node: &Node, known: &KnownService, problems: &mut Vec<ConfigProblem>) {
    let Some(table) = node.as_table() else { return };
    for kind in ["subscription", "handler"] {
        let (names, path) = (known.names(kind), format!("service.{service}.{kind}"));
        let reason = format!("the service `{service}` has none of that name");
        each(table, &[kind], |name, node| {
            if !names.contains(&name) {
                problems.push(nothing(kind, &reason, name, node, &path, names.iter().copied()));
            }
        });
    }
}

fn each(table: &Table, path: &[&str], mut visit: impl FnMut(&str, &Node)) {
    let inner = tree::find(table, path).and_then(Node::as_table);
    inner.into_iter().flatten().for_each(|(name, node)| visit(name, node));
}

fn nothing<'a>(what: &str, reason: &str, name: &str, node: &Node, path: &str, known: impl Iterator<Item = &'a str>) -> ConfigProblem {
    let message = format!("there is no {what} `{name}`: {reason}; {}", suggest(name, known));
    ConfigProblem::new(place_of(node), tree::join(path, name), message)
}

/// A table that a header opens stands where its name does; one that grew out of dotted parts, where the first of them does.
fn place_of(node: &Node) -> Origin {
    node.named.clone()
}

#[cfg(test)]
mod tests;
