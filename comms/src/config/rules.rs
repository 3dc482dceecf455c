//! Rules between keys, once all layers are laid over each other.

use super::secret::has_password;
use super::tree::{self, Node, Table};
use super::{ConfigProblem, keys, suggest::suggest};

/// Every contradiction within the configuration. What compares it with the code is in `names`.
pub(crate) fn check(tree: &Table) -> Vec<ConfigProblem> {
    let brokers = tree.get("brokers").and_then(Node::as_table).into_iter().flatten();
    brokers.flat_map(|(name, node)| check_broker(name, node)).chain(check_tls(tree)).collect()
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
}
