//! Reads the text of a configuration file, keeping where everything stands.

use std::ops::Range;
use std::sync::Arc;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::tree::{Node, Table, Value};
use super::{ConfigProblem, Origin};

/// The tables of a file.
///
/// # Errors
/// Each mistake in its syntax.
pub(crate) fn parse(file: &Arc<str>, text: &str) -> Result<Table, Vec<ConfigProblem>> {
    let lines = Lines { file, text };
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(lines.table(document.get_ref()));
    }
    let problem = |error: &::toml::de::Error| ConfigProblem::new(lines.origin(&error.span().unwrap_or(0..0)), "", error.message());
    Err(errors.iter().map(problem).collect())
}

/// Turns byte offsets into lines and columns.
struct Lines<'a> {
    file: &'a Arc<str>,
    text: &'a str,
}

impl Lines<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Origin::File { file: Arc::clone(self.file), line, column }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        table.iter().map(|(name, value)| (name.get_ref().to_string(), self.entry(name.span(), value))).collect()
    }

    fn entry(&self, name: Range<usize>, value: &Spanned<DeValue<'_>>) -> Node {
        Node { named: self.origin(&name), ..self.node(value) }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        Node::new(self.value(value.get_ref()), self.origin(&value.span()))
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(moment) => Value::Text(moment.to_string()),
            DeValue::Array(values) => Value::List(values.iter().map(|value| self.node(value)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
            // What does not fit stays text, so that the schema can refuse it where it stands.
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| Value::Text(number.to_string()), Value::Integer)
            }
            DeValue::Float(number) => number.as_str().parse().map_or_else(|_| Value::Text(number.to_string()), Value::Float),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::find;

    #[test]
    fn every_value_knows_its_line_and_column() {
        let table = parse(&"comms.toml".into(), "[log]\n  filter = \"é\" # x\n[app.a]\nb = [1, 2.5, true]\n").unwrap();
        assert_eq!(find(&table, &["log", "filter"]).unwrap().origin.to_string(), "comms.toml:2:12");
        assert_eq!(find(&table, &["log", "filter"]).unwrap().named.to_string(), "comms.toml:2:3");
        assert_eq!(find(&table, &["app", "a", "b"]).unwrap().origin.to_string(), "comms.toml:4:5");
    }

    #[test]
    fn every_mistake_in_the_syntax_is_reported() {
        let problems = parse(&"comms.toml".into(), "[log\nfilter = \nadmin = 1\nx = = 2\n").unwrap_err();
        assert!(problems.len() >= 2, "{problems:?}");
        assert!(problems[0].to_string().starts_with("comms.toml:1:"), "{}", problems[0]);
    }
}
