//! What the configuration may refer to: the names that the code declares.

use std::collections::BTreeMap;
use std::time::Duration;

use super::suggest::suggest;
use super::tree::{self, Node, Table};
use super::{Config, ConfigProblem, LimitConfig, Origin, RetryConfig, format_duration};

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
mod tests {
    use super::*;
    use crate::config::Config;

    fn known() -> KnownNames {
        let handler = KnownHandler { timeout: Duration::from_secs(5), retried: true, max: 8, immediate: 2 };
        let place = KnownHandler { retried: false, ..handler };
        let billing = KnownService {
            subscriptions: vec!["orders".into(), "shop.#".into()],
            handlers: [("on_paid".to_owned(), handler), ("place".to_owned(), place)].into(),
            routes: vec!["find".into()],
            rpcs: vec!["reserve".into()],
        };
        KnownNames { brokers: vec!["audit".into()], clients: vec!["payments".into()], services: [("billing".to_owned(), billing)].into() }
    }

    fn problems(text: &str) -> Vec<String> {
        let config = Config::from_toml(text).unwrap();
        config.check_names(&known()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_exists_may_be_overridden() {
        let text = "[brokers.audit]\nurl = \"memory:\"\n[service.billing.handler.on_paid]\ntimeout = \"2s\"\n[service.billing.subscription.\"shop.#\"]\nconcurrency = 4\n";
        assert_eq!(problems(text), [] as [String; 0]);
    }

    #[test]
    fn what_does_not_exist_is_refused_with_the_names_that_do() {
        let found = problems("[clients.paymets]\n");
        assert!(found[0].starts_with("comms.toml:1:10: `clients.paymets`: there is no client `paymets`"), "{found:#?}");
        assert!(found[0].contains("did you mean `payments`?"), "{found:#?}");
        let text = "[brokers.adit]\nurl = \"memory:\"\n[service.biling]\n[service.billing.handler.on_payed]\n[service.billing.subscription.order]\n";
        let found = problems(text);
        assert!(found[0].starts_with("comms.toml:1:10: `brokers.adit`: there is no broker `adit`"), "{found:#?}");
        assert!(found[0].contains("did you mean `audit`? (known: `default`, `audit`)"), "{found:#?}");
        assert!(
            found.iter().any(|problem| problem.contains("no service `biling`") && problem.contains("did you mean `billing`?")),
            "{found:#?}"
        );
        assert!(found.iter().any(|problem| problem.contains("no handler `on_payed`") && problem.contains("comms.toml:4:26")), "{found:#?}");
        assert!(found.iter().any(|problem| problem.contains("no subscription `order`")), "{found:#?}");
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn a_command_is_not_retried_by_its_handler() {
        let found = problems("[service.billing.handler.place]\nretry = { max = 3 }\n");
        assert!(found[0].starts_with("comms.toml:2:9: `service.billing.handler.place.retry`: it handles a command or query"), "{found:#?}");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_route_has_a_timeout_and_no_retry() {
        assert_eq!(problems("[service.billing.handler.find]\ntimeout = \"2s\"\n"), [] as [String; 0]);
        let found = problems("[service.billing.handler.find]\ntimeout = \"2m\"\nretry = { max = 3 }\n");
        assert!(found[0].starts_with("comms.toml:3:9: `service.billing.handler.find.retry`: it answers HTTP requests"), "{found:#?}");
        assert!(found[1].starts_with("comms.toml:2:11: `service.billing.handler.find.timeout`: a request may take 2m"), "{found:#?}");
        assert_eq!(problems("[service.billing.handler.reserve]\ntimeout = \"2s\"\n"), [] as [String; 0]);
        let found = problems("[service.billing.handler.reserve]\nretry = { max = 3 }\n");
        assert!(found[0].starts_with("comms.toml:2:9: `service.billing.handler.reserve.retry`: it answers gRPC calls"), "{found:#?}");
        let found = problems("[service.billing.handler.fnd]\ntimeout = \"2s\"\n");
        assert!(found[0].contains("did you mean `find`?"), "{found:#?}");
    }

    #[test]
    fn limits_are_of_grpc_methods() {
        assert_eq!(problems("[service.billing.handler.reserve]\nlimit = { request = \"2KiB\", answer = \"1B\" }\n"), [] as [String; 0]);
        let found = problems(
            "[service.billing.handler.find]\nlimit = { answer = \"2KiB\" }\n[service.billing.handler.on_paid]\nlimit.request = \"1KiB\"\n",
        );
        assert!(found[0].contains("`service.billing.handler.on_paid.limit`: ") && found[0].contains("`on_paid` is none"), "{found:#?}");
        assert!(found[1].starts_with("comms.toml:2:9: `service.billing.handler.find.limit`: "), "{found:#?}");
        assert!(found[1].ends_with("those of the service are `reserve`: remove `limit`"), "{found:#?}");
        assert_eq!(found.len(), 2);
        let found = problems("[service.billing.handler.reserv]\nlimit = { answer = \"2KiB\" }\n");
        assert!(found[0].contains("no handler `reserv`") && found[0].contains("did you mean `reserve`?"), "{found:#?}");
    }

    #[test]
    fn contradictions_with_the_code_are_found() {
        let found = problems("[service.billing.handler.on_paid]\nretry = { max = 1 }\n[shutdown]\ntimeout = \"1s\"\n");
        assert!(found[0].contains("`immediate` is 2, more than `max`, which is 1"), "{found:#?}");
        assert!(found[1].starts_with("comms.toml:4:11: `service.billing.handler.on_paid.timeout`: an attempt may take 5s"), "{found:#?}");
    }
}
