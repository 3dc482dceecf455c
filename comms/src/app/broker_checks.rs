//! What services want of the brokers, against what there is: asked by `check` before anything connects, and at start.

use std::collections::BTreeMap;
use std::time::Duration;

use super::AppBuilder;
use super::plans::Planned;
use super::problems::Problems;
use crate::broker::{Capabilities, StartPosition};
use crate::config::format_duration;
use crate::handler::HandlerDecl;
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
    if let Some(within) = capabilities.settle_within {
        planned.handlers.iter().for_each(|handler| check_hold(planned, &handler.decl, (name, scheme), within, problems));
    }
    if capabilities.at_most_once {
        check_at_most_once(planned, scheme, problems);
    }
    if !capabilities.transactional {
        check_no_transactions(planned, scheme, problems);
    }
}

/// Handlers that want what the broker can't do.
fn check_no_transactions(planned: &Planned, scheme: &str, problems: &mut Problems) {
    for handler in planned.handlers.iter().filter(|handler| handler.decl.transactional) {
        let (service, name) = (planned.service, planned.subscription.broker);
        problems.add(format!(
            "handler `{}` ({}) of service `{service}` is `transactional`, but the broker `{name}` ({scheme}) has no transactions, only Kafka has: take `transactional` away and make what comes again harmless, with `dedup = \"10m\"` on the subscriptions to what it publishes, or an inbox in the handler's own database; or choose Kafka",
            handler.decl.name, handler.decl.location
        ));
    }
}

/// A message whose handler is still at work when its time is over comes again, to another member, and so do the others of its member.
fn check_hold(planned: &Planned, decl: &HandlerDecl, broker: (&str, &str), within: Duration, problems: &mut Problems) {
    let (service, topic, handler) = (planned.service, &planned.topic, decl.name);
    let (attempts, longest) = longest_hold(decl, planned.subscription.ordered.is_some());
    if longest > within {
        problems.add(format!(
            "handler `{handler}` ({}) of the service `{service}` may hold a message of `{topic}` for {}: {attempts} attempts of {} and the pauses between, before the message is settled or put aside. The broker `{}` ({}) takes it back after {}: lower `timeout` or `retry.{}`, or raise `consumer_timeout` on the server and say so in the broker's `url`, `?consumer_timeout={}`",
            decl.location,
            format_duration(longest),
            format_duration(decl.timeout),
            broker.0,
            broker.1,
            format_duration(within),
            if planned.subscription.ordered.is_some() { "max" } else { "immediate" },
            format_duration(longest + within),
        ));
    }
}

/// How many attempts hold a message, and how long they and their pauses may take.
fn longest_hold(decl: &HandlerDecl, ordered: bool) -> (u32, Duration) {
    let retries = if ordered { decl.retry.max } else { decl.retry.immediate.min(decl.retry.max) };
    let pauses = (0..retries.min(1_000)).map(|retry| {
        let doubled = decl.retry.backoff.saturating_mul(2_u32.saturating_pow(retry));
        doubled.min(decl.retry.backoff_max)
    });
    let pauses = pauses.fold(Duration::ZERO, Duration::saturating_add);
    let attempts = retries.saturating_add(1);
    (attempts, decl.timeout.saturating_mul(attempts).saturating_add(pauses))
}

/// What a broker that keeps nothing can't do.
fn check_at_most_once(planned: &Planned, scheme: &str, problems: &mut Problems) {
    let (service, topic, name) = (planned.service, &planned.topic, planned.subscription.broker);
    let why = format!("the broker `{name}` ({scheme}) delivers at most once");
    if planned.subscription.ordered.is_some() {
        problems.add(format!(
            "service `{service}` subscribes to `{topic}` with `ordered`, but {why}, to every member: remove it, or choose a broker that keeps messages"
        ));
    }
    for handler in &planned.handlers {
        let (retry, handler) = (handler.decl.retry, handler.decl.name);
        if retry.max > retry.immediate {
            problems.add(format!(
                "handler `{handler}` of service `{service}` retries {max} times, {immediate} of them at once, but {why} and brings nothing back: write `retry(max = {immediate}, immediate = {immediate})`, for retries while the message is in hand, or choose a broker that keeps messages",
                max = retry.max,
                immediate = retry.immediate
            ));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::{RetryDecl, SubscriptionDecl};
    use crate::location::Location;

    fn handler(timeout: u64, retry: RetryDecl) -> HandlerDecl {
        let mut decl = HandlerDecl::new("on_paid", Location::new("src/billing.rs", 7));
        (decl.timeout, decl.retry) = (Duration::from_secs(timeout), retry);
        decl
    }

    fn said(decl: &HandlerDecl, ordered: bool, within: u64) -> Vec<String> {
        let mut subscription = SubscriptionDecl::new("orders");
        if ordered {
            subscription.ordered = Some(8);
        }
        let planned = Planned { service: "billing", subscription, topic: "orders".parse().unwrap(), handlers: Vec::new() };
        let mut problems = Problems::default();
        check_hold(&planned, decl, ("default", "amqp"), Duration::from_secs(within), &mut problems);
        problems.into_texts()
    }

    #[test]
    fn a_handler_that_may_outlast_the_brokers_patience_is_refused_with_the_way_out() {
        let retry = RetryDecl::DEFAULT.max(8).immediate(1).backoff(Duration::from_secs(1), Duration::from_secs(2));
        let decl = handler(600, retry);
        // Two attempts of ten minutes and a pause.
        assert_eq!(said(&decl, false, 1201), [""; 0]);
        let text = said(&decl, false, 1200).remove(0);
        for part in
            ["`on_paid`", "src/billing.rs:7", "2 attempts of 10m", "`default` (amqp)", "20m", "`retry.immediate`", "consumer_timeout="]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        // Nine, and 1 + 7 x 2 seconds: an ordered subscription retries in place.
        assert_eq!(said(&decl, true, 5415), [""; 0]);
        assert!(said(&decl, true, 5414).remove(0).contains("9 attempts of 10m"));
    }

    #[test]
    fn the_defaults_fit_rabbitmqs() {
        for ordered in [false, true] {
            assert_eq!(said(&handler(30, RetryDecl::DEFAULT), ordered, 1800), [""; 0]);
        }
    }
}
