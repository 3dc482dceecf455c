//! Rules between keys, once all layers are laid over each other.

use std::net::SocketAddr;
use std::time::Duration;

use super::secret::has_password;
use super::tree::{self, Node, Table, Value};
use super::{ConfigProblem, Origin, keys};
use crate::text::{parse_duration, suggest};

/// Every contradiction within the configuration. What compares it with the code is in `names`.
pub(crate) fn check(tree: &Table) -> Vec<ConfigProblem> {
    let brokers = tree.get("brokers").and_then(Node::as_table).into_iter().flatten();
    let clients = tree.get("clients").and_then(Node::as_table).into_iter().flatten();
    let brokers = brokers.flat_map(|(name, node)| check_broker(name, node));
    let named = brokers.chain(clients.flat_map(|(name, node)| check_client(name, node)));
    named.chain(check_grpc(tree)).chain(check_admin(tree)).chain(check_times(tree)).chain(check_tls(tree)).collect()
}

/// The admin port has an address of its own. What is not said is no contradiction: a process without routes opens no port for them.
fn check_admin(tree: &Table) -> Option<ConfigProblem> {
    let said = |path: &[&str]| tree::find(tree, path).filter(|node| node.origin != Origin::Default);
    let admin = said(&["admin", "address"])?;
    let address = |node: &Node| node.as_text().and_then(|text| text.parse::<SocketAddr>().ok());
    let own = address(admin).filter(|own| own.port() != 0)?;
    let other = ["http", "grpc"].into_iter().find(|other| said(&[other, "address"]).and_then(address) == Some(own))?;
    let message = format!("is the address of `[{other}]` too; give the admin port another one, or `enabled = false`");
    Some(ConfigProblem::new(admin.origin.clone(), "admin.address".to_owned(), message))
}

/// Times within which nothing can be done, and those that others make useless.
fn check_times(tree: &Table) -> Vec<ConfigProblem> {
    let time = |path: &[&str]| {
        let node = tree::find(tree, path)?;
        Some((node, path.join("."), parse_duration(node.as_text()?).ok()?))
    };
    let bounds: [&[&str]; 4] =
        [&["http", "read_timeout"], &["http", "write_timeout"], &["grpc", "read_timeout"], &["grpc", "message_timeout"]];
    let handlers = tree.get("service").and_then(Node::as_table).into_iter().flatten().flat_map(|(service, node)| {
        let handlers = node.as_table().and_then(|table| table.get("handler")).and_then(Node::as_table);
        handlers.into_iter().flatten().map(move |(handler, _)| ["service", service, "handler", handler, "timeout"])
    });
    let handlers: Vec<_> = handlers.collect();
    let bounds = bounds.into_iter().chain(handlers.iter().map(|path| path.as_slice()));
    let mut problems: Vec<ConfigProblem> = bounds
        .filter_map(time)
        .filter(|(.., time)| time.is_zero())
        .map(|(node, path, _)| {
            ConfigProblem::new(node.origin.clone(), path, "nothing can be done in no time; say a longer one, or leave the key out")
        })
        .collect();
    if let (Some((node, path, read)), Some((_, _, whole))) = (time(&["grpc", "read_timeout"]), time(&["grpc", "message_timeout"]))
        && read > whole
    {
        let message = "it is longer than `grpc.message_timeout`, within which the whole message has to come; lower it, or raise the other";
        problems.push(ConfigProblem::new(node.origin.clone(), path, message));
    }
    if let Some((node, path, _)) = time(&["metrics", "lag_interval"]).filter(|(.., time)| !time.is_zero() && *time < SHORTEST_LAG_INTERVAL)
    {
        let message = "every process would ask its brokers more often than once a second; say `1s` or more, or `0s` to ask never";
        problems.push(ConfigProblem::new(node.origin.clone(), path, message));
    }
    problems
}

/// Lag is read by machines every some seconds, and costs each broker several requests.
const SHORTEST_LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Two ports are two addresses.
fn check_grpc(tree: &Table) -> Option<ConfigProblem> {
    let (grpc, http) = (tree::find(tree, &["grpc", "address"])?, tree::find(tree, &["http", "address"])?);
    let (own, shared): (SocketAddr, SocketAddr) = (grpc.as_text()?.parse().ok()?, http.as_text()?.parse().ok()?);
    let message = "is the address of `[http]` too; leave it out: gRPC is answered at the port of HTTP then";
    (own == shared && own.port() != 0).then(|| ConfigProblem::new(grpc.origin.clone(), "grpc.address".to_owned(), message))
}

fn check_client(name: &str, client: &Node) -> Vec<ConfigProblem> {
    let Some(table) = client.as_table() else { return Vec::new() };
    let path = tree::join("clients", name);
    let problem = |node: &Node, key: &str, message: &str| ConfigProblem::new(node.origin.clone(), format!("{path}.{key}"), message);
    let time = |key: &str| Some((table.get(key)?, parse_duration(table.get(key)?.as_text()?).ok()?));
    let mut problems = Vec::new();
    if let Some(addresses) = table.get("addresses").filter(|node| matches!(&node.value, Value::List(list) if list.is_empty())) {
        problems.push(problem(addresses, "addresses", "it is empty: name one, `[\"http://host:port\"]`, or leave the key out"));
    }
    for key in ["connect_timeout", "attempt_timeout", "timeout", "read_timeout"] {
        if let Some((node, _)) = time(key).filter(|(_, time)| time.is_zero()) {
            problems.push(problem(node, key, "no call can be made in no time; expected a longer one, or leave the key out"));
        }
    }
    if let (Some((node, attempt)), Some((_, whole))) = (time("attempt_timeout"), time("timeout"))
        && attempt > whole
    {
        problems.push(problem(
            node,
            "attempt_timeout",
            "it is longer than `timeout`, which ends the whole call before; lower it, or leave it out",
        ));
    }
    if let (Some((node, connect)), Some((_, whole))) = (time("connect_timeout"), time("timeout"))
        && connect > whole
        && !whole.is_zero()
    {
        problems.push(problem(
            node,
            "connect_timeout",
            "it is longer than `timeout`, which ends the whole call before; lower it, or leave it out",
        ));
    }
    let tls = table.get("tls").and_then(Node::as_table);
    if let Some(tls) = tls {
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            if let (Some(node), None) = (tls.get(one), tls.get(other)) {
                problems.push(problem(node, &format!("tls.{one}"), &format!("`{other}` is missing: a client shows both or none")));
            }
        }
    }
    problems.extend(unused_tls(table, &path));
    problems
}

/// What is said of TLS would never be used.
fn unused_tls(client: &Table, path: &str) -> Option<ConfigProblem> {
    let Value::List(addresses) = &client.get("addresses")?.value else { return None };
    let said = client.get("tls")?.as_table()?.values().next()?;
    let is_plain = |address: &str| address.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let message = "every one of `addresses` is `http://`, which knows no TLS; say `https://`, or leave this out";
    let unused = !addresses.is_empty() && addresses.iter().all(|address| address.as_text().is_some_and(is_plain));
    unused.then(|| ConfigProblem::new(said.origin.clone(), format!("{path}.tls"), message))
}

/// A certificate is nothing without its key.
fn check_tls(tree: &Table) -> Vec<ConfigProblem> {
    let Some(table) = tree::find(tree, &["http", "tls"]).and_then(Node::as_table) else { return Vec::new() };
    let Some(other) = table.values().next() else { return Vec::new() };
    let missing = |name: &&str| !table.contains_key(*name);
    let problem = |name: &str| {
        let message = format!("`{name}` is missing: HTTPS needs the files of a `certificate` and of its `key`");
        ConfigProblem::new(other.origin.clone(), "http.tls".to_owned(), message)
    };
    ["certificate", "key"].into_iter().filter(missing).map(problem).collect()
}

fn check_broker(name: &str, broker: &Node) -> Vec<ConfigProblem> {
    let Some(table) = broker.as_table() else { return Vec::new() };
    let path = tree::join("brokers", name);
    let problem = |node: &Node, key: &str, message: &str| ConfigProblem::new(node.origin.clone(), format!("{path}.{key}"), message);
    let mut problems = Vec::new();
    let (url, password, file) = (table.get("url"), table.get("password"), table.get("password_file"));
    if url.is_none() {
        let message = format!("a broker needs a `url`; {}", suggest("", keys::BROKER.iter().map(|key| key.name)));
        problems.push(ConfigProblem::new(broker.named.clone(), path.clone(), message));
    }
    if let (Some(_), Some(file)) = (password, file) {
        problems.push(problem(file, "password_file", "`password` is set too; keep one of the two"));
    }
    if let Some(second) = password.or(file).filter(|_| url.and_then(Node::as_text).is_some_and(has_password)) {
        let key = if password.is_some() { "password" } else { "password_file" };
        problems.push(problem(second, key, "`url` has a password in it too; keep one of the two"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn clients_that_could_never_call_are_refused() {
        let error = Config::from_toml(
            "[clients.a]\naddresses = []\nattempt_timeout = \"5s\"\ntimeout = \"2s\"\nconnect_timeout = \"0s\"\n[clients.a.tls]\nkey = \"k.pem\"\n",
        )
        .unwrap_err();
        let found: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].starts_with("comms.toml:2:13: `clients.a.addresses`: it is empty"), "{found:#?}");
        assert!(found[1].starts_with("comms.toml:5:19: `clients.a.connect_timeout`: no call can be made in no time"), "{found:#?}");
        assert!(found[2].starts_with("comms.toml:3:19: `clients.a.attempt_timeout`: it is longer than `timeout`"), "{found:#?}");
        assert!(found[3].starts_with("comms.toml:7:7: `clients.a.tls.key`: `certificate` is missing"), "{found:#?}");
    }

    #[test]
    fn tls_of_a_client_without_an_https_address_is_refused() {
        let tls =
            |addresses: &str| Config::from_toml(&format!("[clients.a]\naddresses = [{addresses}]\n[clients.a.tls]\nca = \"ca.pem\"\n"));
        let error = tls(r#""http://h:1", "HTTP://h:2""#).unwrap_err();
        let found = error.problems()[0].to_string();
        assert!(found.starts_with("comms.toml:4:6: `clients.a.tls`: every one of `addresses` is `http://`"), "{found}");
        assert!(tls(r#""http://h:1", "https://h:2""#).is_ok());
        assert!(Config::from_toml("[clients.a.tls]\nca = \"ca.pem\"\n").is_ok(), "its attribute may say an address");
    }

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let error = Config::from_toml("[http.tls]\ncertificate = \"server.pem\"\n").unwrap_err();
        assert!(error.problems()[0].to_string().starts_with("comms.toml:2:15: `http.tls`: `key` is missing"), "{error}");
        let config = Config::from_toml("[http.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n").unwrap();
        assert_eq!(config.http.tls.unwrap().key.to_str(), Some("b.pem"));
    }

    #[test]
    fn contradictions_between_keys_are_reported_all_at_once() {
        let error = Config::from_toml(
            "[brokers.a]\nurl = \"amqp://u:p@h\"\npassword = \"x\"\n[brokers.b]\npassword = \"x\"\npassword_file = \"f\"\n",
        )
        .unwrap_err();
        let found: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].starts_with("comms.toml:3:12: `brokers.a.password`: `url` has a password in it too"), "{found:#?}");
        assert!(found[1].starts_with("comms.toml:4:10: `brokers.b`: a broker needs a `url`"), "{found:#?}");
        assert!(found[2].starts_with("comms.toml:6:17: `brokers.b.password_file`: `password` is set too"), "{found:#?}");
    }

    #[test]
    fn grpc_has_an_address_of_its_own_or_none() {
        let error = Config::from_toml("[grpc]\naddress = \"127.0.0.1:8080\"").unwrap_err();
        let found = error.problems()[0].to_string();
        assert!(found.starts_with("comms.toml:2:11: `grpc.address`: is the address of `[http]` too; leave it out"), "{found}");
        assert!(Config::from_toml("[grpc]\naddress = \"127.0.0.1:50051\"").unwrap().grpc.address.is_some());
        assert!(Config::from_toml("[http]\naddress = \"127.0.0.1:0\"\n[grpc]\naddress = \"127.0.0.1:0\"").is_ok());
    }

    fn found(text: &str) -> Vec<String> {
        Config::from_toml(text).map_or_else(|error| error.problems().iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    #[test]
    fn times_in_which_nothing_can_be_done_are_refused() {
        let problems = found("[http]\nread_timeout = \"0s\"\n[grpc]\nread_timeout = \"2m\"\n[service.s.handler.h]\ntimeout = \"0ms\"\n");
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].starts_with("comms.toml:2:16: `http.read_timeout`: nothing can be done in no time"), "{problems:#?}");
        assert!(problems[1].starts_with("comms.toml:6:11: `service.s.handler.h.timeout`: nothing can be done in no time"), "{problems:#?}");
        assert!(problems[2].starts_with("comms.toml:4:16: `grpc.read_timeout`: it is longer than `grpc.message_timeout`"), "{problems:#?}");
        let problems = found("[clients.a]\naddresses = [\"http://h\"]\nconnect_timeout = \"5s\"\ntimeout = \"2s\"\n");
        assert!(problems[0].starts_with("comms.toml:3:19: `clients.a.connect_timeout`: it is longer than `timeout`"), "{problems:#?}");
        assert_eq!(problems.len(), 1, "{problems:#?}");
    }

    #[test]
    fn brokers_are_not_asked_for_their_lag_all_the_time() {
        let problems = found("[metrics]\nlag_interval = \"50ms\"\n");
        assert!(problems[0].starts_with("comms.toml:2:16: `metrics.lag_interval`: every process would ask its brokers"), "{problems:#?}");
        assert_eq!(Config::from_toml("[metrics]\nlag_interval = \"0s\"\n").unwrap().metrics.lag_interval, super::Duration::ZERO);
        assert_eq!(Config::default().metrics.lag_interval.as_secs(), 15);
    }

    #[test]
    fn the_admin_port_has_an_address_of_its_own() {
        let both = |admin: &str, other: &str, address: &str| {
            found(&format!("[admin]\naddress = \"{admin}\"\n[{other}]\naddress = \"{address}\"\n"))
        };
        for other in ["http", "grpc"] {
            let problems = both("127.0.0.1:9000", other, "127.0.0.1:9000");
            assert!(
                problems[0].starts_with(&format!("comms.toml:2:11: `admin.address`: is the address of `[{other}]` too")),
                "{problems:#?}"
            );
            assert!(both("127.0.0.1:0", other, "127.0.0.1:0").is_empty() && both("127.0.0.1:9000", other, "127.0.0.1:9001").is_empty());
        }
        assert!(found("[admin]\naddress = \"127.0.0.1:8080\"\n").is_empty(), "without routes nothing else is opened there");
    }
}
