//! What the documents for other programs have in common.

use serde_json::{Map, Value, json};

use super::Report;
use crate::app::model::ServiceModel;

const DEFINITIONS: &str = "#/$defs/";

/// The document, for people and machines.
pub(super) fn printed(document: Value) -> Report {
    Report::new(format!("{document:#}\n"), document)
}

/// The first line is the summary, all of it the description.
pub(super) fn describe(value: &mut Value, doc: &str) {
    if let Some(summary) = doc.lines().next() {
        value["summary"] = json!(summary.trim());
        value["description"] = json!(doc);
    }
}

/// The service in one line of a list.
pub(super) fn describe_service(service: &ServiceModel) -> String {
    let line = format!("- `{}` {}", service.name, service.version);
    if service.doc.is_empty() { line } else { format!("{line}: {}", service.doc.replace('\n', " ")) }
}

/// Names under `components` have a small alphabet.
pub(super) fn legal(name: &str) -> String {
    name.chars().map(|sign| if sign.is_ascii_alphanumeric() || "._-".contains(sign) { sign } else { '_' }).collect()
}

/// Lets every reference to a definition that has a new name point below `components.schemas`.
pub(super) fn rename(value: &mut Value, names: &Map<String, Value>) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(reference)) = entries.get_mut("$ref")
                && let Some(new) = definition(reference).and_then(|name| names.get(&name)).and_then(Value::as_str)
            {
                *reference = format!("#/components/schemas/{new}");
            }
            entries.values_mut().for_each(|value| rename(value, names));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, names)),
        _ => {}
    }
}

/// The definition that a reference points to.
pub(super) fn definition(reference: &str) -> Option<String> {
    let name = percent_decoded(reference.strip_prefix(DEFINITIONS)?);
    Some(name.replace("~1", "/").replace("~0", "~"))
}

/// References are URIs: a name in them may be escaped.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_followed_through_their_escapes() {
        assert_eq!(definition("#/$defs/Page%3COrder~1Line%3E").as_deref(), Some("Page<Order/Line>"));
        assert_eq!(definition("#/$defs/100%").as_deref(), Some("100%"));
        assert_eq!(definition("#/components/schemas/A"), None);
    }
}
