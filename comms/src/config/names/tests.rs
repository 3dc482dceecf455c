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
    let text =
        "[brokers.adit]\nurl = \"memory:\"\n[service.biling]\n[service.billing.handler.on_payed]\n[service.billing.subscription.order]\n";
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

#[test]
fn a_backoff_of_no_retries_is_refused() {
    let found = problems("[service.billing.handler.on_paid]\nretry = { max = 0, immediate = 0, backoff = \"1s..2s\" }\n");
    assert!(found[0].contains("`service.billing.handler.on_paid.retry.backoff`: `max` is 0"), "{found:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(problems("[service.billing.handler.on_paid]\nretry = { max = 0, immediate = 0 }\n").is_empty());
}
