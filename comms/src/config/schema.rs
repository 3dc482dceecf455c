//! Holds a layer against the table of known keys.

use super::keys::{Key, PROFILE, ROOT, Shape};
use super::sections::read::UNTHROTTLED;
use super::tree::{self, Node, Table, Value};
use super::{ConfigProblem, Origin};
use crate::limit::Rate;
use crate::text::{Size, parse_duration, parse_duration_range, suggest};

/// Reports every unknown key and wrong value, and gives untyped text the type that its key wants.
pub(crate) fn check(layer: &mut Table, problems: &mut Vec<ConfigProblem>) {
    check_table(layer, ROOT, "", problems);
}

/// The values that hold when nothing is set.
#[must_use]
pub(crate) fn defaults() -> Table {
    let mut table = default_table(ROOT);
    let url = Node::new(Value::Text("memory:".to_owned()), Origin::Default);
    let broker = Node::new(Value::Table([("url".to_owned(), url)].into()), Origin::Default);
    table.insert("brokers".to_owned(), Node::new(Value::Table([("default".to_owned(), broker)].into()), Origin::Default));
    table
}

fn default_table(keys: &[Key]) -> Table {
    keys.iter().filter_map(|key| Some((key.name.to_owned(), Node::new(default_value(key)?, Origin::Default)))).collect()
}

fn default_value(key: &Key) -> Option<Value> {
    match key.shape {
        Shape::Table(keys) => Some(Value::Table(default_table(keys))),
        // The table of keys is ours: its defaults are read by the same rules as everybody's.
        shape => typed(&Value::Untyped(key.default?.to_owned()), shape).ok(),
    }
}

fn check_table(table: &mut Table, keys: &[Key], path: &str, problems: &mut Vec<ConfigProblem>) {
    for (name, node) in table {
        let path = tree::join(path, name);
        match keys.iter().find(|key| key.name == name) {
            Some(key) => check_node(node, key.shape, &path, problems),
            None => problems.push(unknown(name, node, keys, path)),
        }
    }
}

fn unknown(name: &str, node: &Node, keys: &[Key], path: String) -> ConfigProblem {
    // Only the top of a file knows `profile`; there it is taken out before the check.
    let message = if name == PROFILE {
        "a profile stands at the top of the file: write `[profile.NAME]`".to_owned()
    } else {
        format!("unknown key; {}", suggest(name, keys.iter().map(|key| key.name)))
    };
    ConfigProblem::new(node.named.clone(), path, message)
}

fn check_node(node: &mut Node, shape: Shape, path: &str, problems: &mut Vec<ConfigProblem>) {
    match (shape, &mut node.value) {
        (Shape::Free, _) => {}
        (Shape::Table(keys), Value::Table(table)) => check_table(table, keys, path, problems),
        (Shape::Addresses, Value::List(nodes)) => {
            for (at, node) in nodes.iter().enumerate() {
                if let Err(message) = address_of_service(node) {
                    problems.push(ConfigProblem::new(node.origin.clone(), format!("{path}[{at}]"), message));
                }
            }
        }
        (Shape::Named { keys, .. }, Value::Table(table)) => {
            for (name, node) in table {
                check_node(node, Shape::Table(keys), &tree::join(path, name), problems);
            }
        }
        (shape, value) => match typed(value, shape) {
            Ok(typed) => *value = typed,
            Err(message) => problems.push(ConfigProblem::new(node.origin.clone(), path, message)),
        },
    }
}

/// A list of one, where there are no lists: in the environment. Others are written there as TOML writes them.
fn single(text: &str) -> Value {
    Value::List(vec![Node::new(Value::Text(text.trim().to_owned()), Origin::Default)])
}

fn address_of_service(node: &Node) -> Result<(), String> {
    match node.as_text() {
        Some(text) => super::clients::check_address(text),
        None => Err(format!("expected an address in quotes, `\"http://127.0.0.1:8080\"`, found {}", found(&node.value, Shape::Text))),
    }
}

/// The value as its key wants it, or what is wrong.
fn typed(value: &Value, shape: Shape) -> Result<Value, String> {
    match (shape, value) {
        (Shape::Addresses, Value::Untyped(text)) => return super::clients::check_address(text.trim()).map(|()| single(text)),
        (Shape::Integer { min, max }, value) => integer(value).filter(|number| (min..=max).contains(number)).map(Value::Integer),
        (Shape::Boolean, value) => boolean(value).map(Value::Boolean),
        (Shape::Addresses, _) => None,
        (_, Value::Text(text) | Value::Untyped(text)) => return checked_text(text, shape).map(|()| Value::Text(text.clone())),
        _ => None,
    }
    .ok_or_else(|| format!("expected {}, found {}", expected(shape), found(value, shape)))
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Untyped(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(value) => Some(*value),
        Value::Untyped(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

fn checked_text(text: &str, shape: Shape) -> Result<(), String> {
    match shape {
        Shape::Text | Shape::Secret => Ok(()),
        Shape::Duration => parse_duration(text).map(drop).map_err(|error| error.to_string()),
        Shape::DurationRange => parse_duration_range(text).map(drop),
        Shape::Rate if text == UNTHROTTLED => Ok(()),
        Shape::Rate => text.parse::<Rate>().map(drop).map_err(|error| format!("{error}; or `{UNTHROTTLED}`")),
        Shape::Size { min, max } => match text.parse::<Size>() {
            Ok(Size(bytes)) if (min..=max).contains(&bytes) => Ok(()),
            Ok(_) => Err(format!("expected {}, found `{text}`", expected(shape))),
            Err(error) => Err(error.to_string()),
        },
        Shape::OneOf(words) if words.contains(&text) => Ok(()),
        Shape::OneOf(words) => Err(format!("`{text}` is none of its words; {}", suggest(text, words.iter().copied()))),
        Shape::Address if text.parse::<std::net::SocketAddr>().is_ok() => Ok(()),
        Shape::Url if is_url(text) => Ok(()),
        // A URL that is none may still hold a password.
        Shape::Url => Err(format!("expected {}", expected(shape))),
        _ => Err(format!("expected {}, found `{text}`", expected(shape))),
    }
}

/// `scheme://..`, or `scheme:` and neither a port nor a user behind it.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let begins = scheme.starts_with(|sign: char| sign.is_ascii_lowercase());
    let is_scheme = begins && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && (rest.starts_with("//") || !rest.starts_with(|sign: char| sign.is_ascii_digit()) && !rest.contains('@'))
}

fn expected(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::Secret => "text in quotes".to_owned(),
        Shape::Url => "a URL with a scheme, `memory:` or `amqp://user@host:5672/vhost`".to_owned(),
        Shape::Addresses => "a list of addresses in quotes, `[\"http://127.0.0.1:8080\"]`".to_owned(),
        Shape::Address => "an IP address and a port, `127.0.0.1:9464`".to_owned(),
        Shape::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Duration => "a duration in quotes, `\"250ms\"` or `\"5s\"`".to_owned(),
        Shape::DurationRange => "two durations in quotes, `\"100ms..30s\"`".to_owned(),
        Shape::Size { min, max } => {
            format!("a size in quotes from `\"{}KiB\"` to `\"{}KiB\"`", min >> 10, max >> 10)
        }
        Shape::Rate => format!("a rate in quotes, `\"100/s\"`, or `\"{UNTHROTTLED}\"`"),
        Shape::OneOf(words) => format!("one of `{}`, in quotes", words.join("`, `")),
        Shape::Table(keys) => {
            format!("a table with any of the keys `{}`", keys.iter().map(|key| key.name).collect::<Vec<_>>().join("`, `"))
        }
        Shape::Named { what, .. } => format!("a table with one table for each {what}"),
        Shape::Free => "anything".to_owned(),
    }
}

fn found(value: &Value, shape: Shape) -> String {
    match value {
        _ if matches!(shape, Shape::Secret | Shape::Url | Shape::Addresses) => value.kind().to_owned(),
        Value::Integer(number) => format!("the number {number}"),
        Value::Text(text) | Value::Untyped(text) => format!("the text `{text}`"),
        Value::Boolean(value) => format!("`{value}`"),
        value => value.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut table = crate::config::toml::parse(&"comms.toml".into(), text).unwrap();
        let mut problems = Vec::new();
        check(&mut table, &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_defaults_keep_their_own_rules() {
        let (mut table, mut problems) = (defaults(), Vec::new());
        check(&mut table, &mut problems);
        assert_eq!(problems, []);
        assert_eq!(tree::find(&table, &["shutdown", "timeout"]).unwrap().as_text(), Some("30s"));
    }

    #[test]
    fn every_unknown_key_is_reported_with_its_place_and_a_suggestion() {
        let found = problems("[brokres]\n[log]\nfromat = \"json\"\n[service.billing.handler.on_paid]\nretry = { maximum = 3 }\n");
        assert!(found.iter().any(|p| p.starts_with("comms.toml:1:2: `brokres`: unknown key; did you mean `brokers`?")), "{found:?}");
        assert!(found.iter().any(|p| p.starts_with("comms.toml:3:1: `log.fromat`: unknown key; did you mean `format`?")), "{found:?}");
        assert!(found.iter().any(|p| p.starts_with("comms.toml:5:11: `service.billing.handler.on_paid.retry.maximum`")), "{found:?}");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn every_wrong_value_says_what_is_expected() {
        let found = problems(
            "[log]\nformat = \"yaml\"\n[shutdown]\ntimeout = 30\n[admin]\nenabled = \"yes\"\naddress = \"localhost\"\n[service.s.subscription.\"shop.#\"]\nconcurrency = 0\ndedup = \"soon\"\n",
        );
        for expected in [
            "comms.toml:2:10: `log.format`: `yaml` is none of its words; known: `auto`, `pretty`, `json`",
            "comms.toml:4:11: `shutdown.timeout`: expected a duration in quotes, `\"250ms\"` or `\"5s\"`, found the number 30",
            "comms.toml:6:11: `admin.enabled`: expected `true` or `false`, found the text `yes`",
            "comms.toml:7:11: `admin.address`: expected an IP address and a port, `127.0.0.1:9464`, found `localhost`",
            "comms.toml:9:15: `service.s.subscription.\"shop.#\".concurrency`: expected a whole number from 1 to 65535, found the number 0",
        ] {
            assert!(found.iter().any(|problem| problem == expected), "{expected}\n not in {found:#?}");
        }
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn a_size_has_a_unit_and_bounds() {
        let found = problems("[http]\nheader_limit = \"16\"\n");
        assert!(found[0].contains("`16` is not a size"), "{found:?}");
        let found = problems("[http]\nheader_limit = \"1GiB\"\n");
        assert!(found[0].contains("expected a size in quotes from `\"1KiB\"` to `\"256KiB\"`, found `1GiB`"), "{found:?}");
    }

    #[test]
    fn what_should_be_secret_is_not_repeated_in_the_error() {
        let found = problems("[brokers.a]\nurl = \"user:hunter2@host\"\npassword = 12345\n[brokers.b]\nurl = [\"amqp://u:hunter2@h\"]\n");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(!found.concat().contains("hunter2") && !found.concat().contains("12345"), "{found:?}");
    }

    #[test]
    fn the_copy_for_the_build_script_is_word_for_word_this_table() {
        assert_eq!(include_str!("keys.rs"), include_str!("../../../comms-macros/syntax/src/config_keys.rs"));
    }
}
