//! One value out of the tree; the rules have seen that what is there has its shape.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::tree::{self, Node, Table, Value};
use crate::limit::Rate;
use crate::text::{Size, parse_duration};

pub(in crate::config) fn named<T>(table: &Table, name: &str, read: impl Fn(&Table) -> T) -> BTreeMap<String, T> {
    let inner = table.get(name).and_then(Node::as_table).into_iter().flatten();
    inner.filter_map(|(name, node)| Some((name.clone(), read(node.as_table()?)))).collect()
}

pub(in crate::config) fn text(table: &Table, path: &[&str]) -> Option<String> {
    tree::find(table, path)?.as_text().map(str::to_owned)
}

pub(in crate::config) fn duration(table: &Table, path: &[&str]) -> Option<Duration> {
    parse_duration(&text(table, path)?).ok()
}

/// The rate that is none.
pub(in crate::config) const UNTHROTTLED: &str = "off";

/// A rate, or the word for none.
pub(super) fn throttle(table: &Table, path: &[&str]) -> Option<Option<Rate>> {
    match text(table, path)?.as_str() {
        UNTHROTTLED => Some(None),
        rate => rate.parse().ok().map(Some),
    }
}

pub(in crate::config) fn size(table: &Table, path: &[&str]) -> Option<usize> {
    let Size(bytes) = text(table, path)?.parse().ok()?;
    bytes.try_into().ok()
}

pub(super) fn enabled(tree: &Table, section: &str) -> bool {
    is_true(tree, &[section, "enabled"], true)
}

pub(super) fn is_true(tree: &Table, path: &[&str], otherwise: bool) -> bool {
    match tree::find(tree, path).map(|node| &node.value) {
        Some(Value::Boolean(value)) => *value,
        _ => otherwise,
    }
}

pub(super) fn address(tree: &Table, section: &str) -> Option<SocketAddr> {
    text(tree, &[section, "address"])?.parse().ok()
}

pub(in crate::config) fn number<N: TryFrom<i64>>(table: &Table, path: &[&str]) -> Option<N> {
    match tree::find(table, path)?.value {
        Value::Integer(number) => number.try_into().ok(),
        _ => None,
    }
}
