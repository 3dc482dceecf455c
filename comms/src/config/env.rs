//! Names of environment variables as paths into the configuration. Reading the environment is `app`'s.
//!
//! `COMMS__SERVICE__BILLING__HANDLER__ON_PAID__TIMEOUT=2s`: after the prefix come the parts of the path, with two
//! underscores between. Case means nothing. A `-`, a `.` or any other sign that is no letter or digit
//! is written as one `_`; the part is then the one known name that reads the same: a name in the layers
//! below, or one that the code declares. A part that is like none of them is taken in small letters.

use std::sync::Arc;

use super::keys::{Key, ROOT, Shape};
use super::names::KnownNames;
use super::tree::{Node, Table, Value};
use super::{ConfigProblem, Origin};

/// What every variable begins with, in any case.
pub(crate) const PREFIX: &str = "COMMS__";

/// The layer that the variables make; those without the prefix are left alone.
///
/// # Errors
/// Each variable whose name can't be read.
pub(crate) fn parse(
    variables: impl IntoIterator<Item = (String, String)>,
    below: &Table,
    known: Option<&KnownNames>,
) -> Result<Table, Vec<ConfigProblem>> {
    let (mut layer, mut problems) = (Table::new(), Vec::new());
    for (name, text) in variables {
        let Some(path) = strip_prefix(&name) else { continue };
        let origin = Origin::Environment { variable: name.as_str().into() };
        let result = resolve(path, below, known).and_then(|path| insert(&mut layer, &path, &text, &origin));
        if let Err(message) = result {
            problems.push(ConfigProblem::new(origin, "", message));
        }
    }
    if problems.is_empty() { Ok(layer) } else { Err(problems) }
}

fn strip_prefix(name: &str) -> Option<&str> {
    let start = name.get(..PREFIX.len())?;
    start.eq_ignore_ascii_case(PREFIX).then(|| &name[PREFIX.len()..])
}

/// The path that the rest of a variable's name stands for.
fn resolve(rest: &str, below: &Table, known: Option<&KnownNames>) -> Result<Vec<String>, String> {
    let (mut path, mut shape, mut table) = (Vec::new(), Shape::Table(ROOT), Some(below));
    for part in rest.split("__") {
        if part.is_empty() {
            return Err("a part of the name is empty; expected COMMS__PART__PART, with two underscores between the parts".to_owned());
        }
        let name = choose(part, candidates(shape, table, known, &path))?;
        shape = inner(shape, &name);
        table = table.and_then(|table| table.get(&name)).and_then(Node::as_table);
        path.push(name);
    }
    Ok(path)
}

fn candidates(shape: Shape, table: Option<&Table>, known: Option<&KnownNames>, path: &[String]) -> Vec<String> {
    let keys: &[Key] = if let Shape::Table(keys) = shape { keys } else { &[] };
    let declared = known.map(|known| known.at(path)).unwrap_or_default();
    let mut names: Vec<String> = keys.iter().map(|key| key.name).chain(declared).map(str::to_owned).collect();
    names.extend(table.into_iter().flat_map(|table| table.keys().cloned()));
    names.sort();
    names.dedup();
    names
}

fn choose(part: &str, mut candidates: Vec<String>) -> Result<String, String> {
    let wanted = fold(part);
    candidates.retain(|name| fold(name) == wanted);
    match candidates.as_slice() {
        [] => Ok(part.to_lowercase()),
        [name] => Ok(name.clone()),
        names => Err(format!("`{part}` could be any of `{}`; set it in the file", names.join("`, `"))),
    }
}

fn fold(name: &str) -> String {
    name.chars().map(|sign| if sign.is_alphanumeric() { sign.to_ascii_lowercase() } else { '_' }).collect()
}

fn inner(shape: Shape, name: &str) -> Shape {
    match shape {
        Shape::Table(keys) => keys.iter().find(|key| key.name == name).map_or(Shape::Free, |key| key.shape),
        Shape::Named { keys, .. } => Shape::Table(keys),
        _ => Shape::Free,
    }
}

fn insert(table: &mut Table, path: &[String], text: &str, origin: &Origin) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    if rest.is_empty() {
        return match table.insert(name.clone(), Node::new(value(text, origin), origin.clone())) {
            None => Ok(()),
            Some(other) => Err(format!("{} sets the same; remove one of them", other.origin)),
        };
    }
    let node = table.entry(name.clone()).or_insert_with(|| Node::new(Value::Table(Table::new()), origin.clone()));
    match &mut node.value {
        Value::Table(inner) => insert(inner, rest, text, origin),
        _ => Err(format!("{} sets a single value where this needs a table; remove one of them", node.origin)),
    }
}

/// A list or table is written as TOML; everything else becomes what its key wants.
fn value(text: &str, origin: &Origin) -> Value {
    if !text.trim_start().starts_with(['[', '{']) {
        return Value::Untyped(text.to_owned());
    }
    let parsed = super::toml::parse(&Arc::from("value"), &format!("value = {text}"));
    let value = parsed.ok().and_then(|mut table| table.remove("value"));
    value.map_or_else(|| Value::Untyped(text.to_owned()), |node| moved(node, origin).value)
}

/// The same value, set somewhere else.
fn moved(node: Node, origin: &Origin) -> Node {
    let value = match node.value {
        Value::List(values) => Value::List(values.into_iter().map(|value| moved(value, origin)).collect()),
        Value::Table(table) => Value::Table(table.into_iter().map(|(name, node)| (name, moved(node, origin))).collect()),
        value => value,
    };
    Node::new(value, origin.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KnownService;
    use crate::config::tree::find;

    fn layer(variables: &[(&str, &str)], file: &str) -> Result<Table, Vec<ConfigProblem>> {
        let below = crate::config::toml::parse(&"comms.toml".into(), file).unwrap();
        let billing = KnownService { subscriptions: vec!["shop.orders".into()], ..KnownService::default() };
        let known = KnownNames { brokers: Vec::new(), clients: Vec::new(), services: [("order-billing".to_owned(), billing)].into() };
        parse(variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())), &below, Some(&known))
    }

    #[test]
    fn parts_are_matched_whatever_their_case_and_signs() {
        let layer = layer(
            &[
                ("comms__Brokers__Default__Url", "amqp://host"),
                ("COMMS__SERVICE__ORDER_BILLING__SUBSCRIPTION__SHOP_ORDERS__CONCURRENCY", "4"),
                ("COMMS__APP__BILLING__MAX_TOTAL", "7"),
                ("COMMS_PROFILE", "x"),
                ("PATH", "/bin"),
            ],
            "[app.billing]\nmax-total = 5\n",
        )
        .unwrap();
        assert_eq!(find(&layer, &["brokers", "default", "url"]).unwrap().as_text(), Some("amqp://host"));
        assert!(find(&layer, &["service", "order-billing", "subscription", "shop.orders", "concurrency"]).is_some());
        let max = find(&layer, &["app", "billing", "max-total"]).unwrap();
        assert_eq!(max.origin.to_string(), "environment COMMS__APP__BILLING__MAX_TOTAL");
        assert_eq!(layer.len(), 3);
    }

    #[test]
    fn a_part_that_could_be_two_names_is_refused() {
        let problems = layer(&[("COMMS__APP__A_B", "1")], "[app]\na-b = 1\n\"a.b\" = 2\n").unwrap_err();
        assert_eq!(problems[0].to_string(), "environment COMMS__APP__A_B: `A_B` could be any of `a-b`, `a.b`; set it in the file");
    }

    #[test]
    fn two_variables_for_one_key_are_refused() {
        let problems = layer(&[("COMMS__LOG__FILTER", "info"), ("COMMS__log__filter", "debug"), ("COMMS__LOG____X", "1")], "").unwrap_err();
        assert!(problems[0].to_string().contains("COMMS__LOG__FILTER sets the same"), "{}", problems[0]);
        assert!(problems[1].to_string().contains("a part of the name is empty"), "{}", problems[1]);
    }

    #[test]
    fn lists_and_tables_are_written_as_toml() {
        let layer = layer(&[("COMMS__APP__HOSTS", "[\"a\", \"b\"]"), ("COMMS__APP__ODD", "[not toml")], "").unwrap();
        assert!(matches!(&find(&layer, &["app", "hosts"]).unwrap().value, Value::List(hosts) if hosts.len() == 2));
        assert_eq!(find(&layer, &["app", "odd"]).unwrap().as_text(), Some("[not toml"));
    }
}
