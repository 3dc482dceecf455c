//! What holds in the end, and where each value comes from.

use serde::Serialize;

use super::keys::{Key, ROOT, Shape};
use super::secret::{MASK, looks_secret, mask_url};
use super::tree::{self, Node, Table, Value};
use super::{Config, Origin};

/// One value as it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// The key, with dots between.
    pub path: String,
    /// The value as TOML writes it; `"***"` for a secret.
    pub value: String,
    /// Where it was set.
    #[serde(serialize_with = "as_text")]
    pub origin: Origin,
}

fn as_text<S: serde::Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

impl Config {
    /// Every value with where it was set, in the order of the keys. No secret is in it: values that the table of keys
    /// calls secret, passwords in URLs, and under `[app]` what is named like one.
    #[must_use]
    pub fn effective(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        list_keys(self.tree(), ROOT, "", &mut settings);
        settings
    }
}

fn list_keys(table: &Table, keys: &[Key], path: &str, settings: &mut Vec<Setting>) {
    for key in keys {
        if let Some(node) = table.get(key.name) {
            list(node, key.shape, &tree::join(path, key.name), settings);
        }
    }
}

fn list(node: &Node, shape: Shape, path: &str, settings: &mut Vec<Setting>) {
    match (shape, &node.value) {
        (Shape::Table(keys), Value::Table(table)) => list_keys(table, keys, path, settings),
        (Shape::Named { keys, .. }, Value::Table(table)) => {
            table.iter().for_each(|(name, node)| list(node, Shape::Table(keys), &tree::join(path, name), settings));
        }
        (Shape::Free, Value::Table(table)) => {
            table.iter().for_each(|(name, node)| list(node, free(name), &tree::join(path, name), settings));
        }
        (Shape::Secret, _) => settings.push(setting(path, format!("{MASK:?}"), node)),
        (Shape::Url, Value::Text(url)) => settings.push(setting(path, format!("{:?}", mask_url(url)), node)),
        (_, value) => settings.push(setting(path, show(value), node)),
    }
}

/// Whatever is below a name that looks like a secret's is one too.
fn free(name: &str) -> Shape {
    if looks_secret(name) { Shape::Secret } else { Shape::Free }
}

fn setting(path: &str, value: String, node: &Node) -> Setting {
    Setting { path: path.to_owned(), value, origin: node.origin.clone() }
}

fn show(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Untyped(text) => format!("{:?}", mask_url(text)),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(value) => value.to_string(),
        Value::List(values) => format!("[{}]", values.iter().map(|node| show(&node.value)).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => format!("{{ {} }}", table.iter().map(show_entry).collect::<Vec<_>>().join(", ")),
    }
}

fn show_entry((name, node): (&String, &Node)) -> String {
    let value = if looks_secret(name) { format!("{MASK:?}") } else { show(&node.value) };
    format!("{} = {value}", tree::join("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_listed_with_its_origin_and_without_its_secret() {
        let text = "[brokers.default]\nurl = \"amqp://u:hunter2@h/v\"\n[brokers.b]\nurl = \"amqp://u@h\"\npassword = \"hunter2\"\n[app.mail]\nsmtp_password = \"hunter2\"\nhosts = [{ name = \"a\", token = \"hunter2\" }]\nurl = \"https://u:hunter2@h\"\n";
        let settings = Config::from_toml(text).unwrap().effective();
        let lines: Vec<String> = settings.iter().map(|s| format!("{} = {} # {}", s.path, s.value, s.origin)).collect();
        for expected in [
            "brokers.default.url = \"amqp://u:***@h/v\" # comms.toml:2:7",
            "brokers.b.password = \"***\" # comms.toml:5:12",
            "app.mail.smtp_password = \"***\" # comms.toml:7:17",
            "app.mail.hosts = [{ name = \"a\", token = \"***\" }] # comms.toml:8:9",
            "app.mail.url = \"https://u:***@h\" # comms.toml:9:7",
            "shutdown.timeout = \"30s\" # default",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}\n not in {lines:#?}");
        }
        assert!(!lines.concat().contains("hunter2"));
        assert!(!serde_json::to_string(&settings).unwrap().contains("hunter2"));
    }
}
