//! Values before they have types, each with where it was set.

use std::collections::BTreeMap;

use super::Origin;

/// A table: the entries by their names.
pub(crate) type Table = BTreeMap<String, Node>;

/// A value and where it was set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// Where it was set.
    pub(crate) origin: Origin,
    /// Where its name stands.
    pub(crate) named: Origin,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Text, also dates.
    Text(String),
    /// Text from a place that has no types, an environment variable: read as what is wanted there.
    Untyped(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
    /// Several values.
    List(Vec<Node>),
    /// Named values.
    Table(Table),
}

impl Node {
    /// A value whose name stands in the same place.
    #[must_use]
    pub(crate) fn new(value: Value, origin: Origin) -> Self {
        Self { value, named: origin.clone(), origin }
    }

    /// The text, if it is one.
    #[must_use]
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Untyped(text) => Some(text),
            _ => None,
        }
    }

    /// The table, if it is one.
    #[must_use]
    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl Value {
    /// What it is, for a person.
    #[must_use]
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Untyped(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "`true` or `false`",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Lays `above` over `below`: tables entry by entry, everything else replaced.
pub(crate) fn overlay(below: &mut Table, above: Table) {
    for (name, node) in above {
        match (below.get_mut(&name).map(|node| &mut node.value), node) {
            (Some(Value::Table(inner)), Node { value: Value::Table(table), .. }) => overlay(inner, table),
            (_, node) => drop(below.insert(name, node)),
        }
    }
}

/// The value under the names, one in the other.
#[must_use]
pub(crate) fn find<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Node> {
    let (name, rest) = path.split_first()?;
    let node = table.get(*name)?;
    if rest.is_empty() { Some(node) } else { find(node.as_table()?, rest) }
}

/// A name as it stands in a path: quoted when it has dots or other signs in it.
pub(super) fn join(path: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}
