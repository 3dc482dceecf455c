//! Rules between keys, once all layers are laid over each other.

use std::net::SocketAddr;

use super::duration::parse_duration;
use super::secret::has_password;
use super::tree::{self, Node, Table, Value};
use super::{ConfigProblem, keys, suggest::suggest};

/// Every contradiction within the configuration. What compares it with the code is in `names`.
pub(crate) fn check(tree: &Table) -> Vec<ConfigProblem> {
    let brokers = tree.get("brokers").and_then(Node::as_table).into_iter().flatten();
    let clients = tree.get("clients").and_then(Node::as_table).into_iter().flatten();
    let brokers = brokers.flat_map(|(name, node)| check_broker(name, node));
    brokers.chain(clients.flat_map(|(name, node)| check_client(name, node))).chain(check_grpc(tree)).chain(check_tls(tree)).collect()
}

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
}
