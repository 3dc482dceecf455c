//! Schemas with what they share under `components`. Types that look different when they are read and when they are written stand there twice.

use std::collections::BTreeSet;

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform as _};
use serde_json::{Map, Value, json};

use super::responses::{PROBLEM_SCHEMA, problem};
use crate::app::commands::document::{definition, legal, rename};
use crate::app::contents::Definitions;

/// The definitions under their names in the document.
pub(super) struct Schemas {
    components: Map<String, Value>,
    /// From the names that schemas of arguments refer to.
    input: Map<String, Value>,
    /// From the names that schemas of answers refer to.
    output: Map<String, Value>,
}

impl Schemas {
    /// All of them, and that of problems.
    pub(super) fn of(definitions: &Definitions) -> Self {
        let Definitions { input, output } = definitions;
        let mut schemas =
            Self { components: Map::from_iter([(PROBLEM_SCHEMA.to_owned(), problem())]), input: Map::new(), output: Map::new() };
        for name in output.keys() {
            let new = schemas.reserve(&legal(name));
            schemas.output.insert(name.clone(), json!(new));
        }
        let apart = apart(input, output);
        for name in input.keys() {
            let new = match schemas.output.get(name) {
                Some(shared) if !apart.contains(name.as_str()) => shared.clone(),
                Some(_) => json!(schemas.reserve(&format!("{}Input", legal(name)))),
                None => json!(schemas.reserve(&legal(name))),
            };
            schemas.input.insert(name.clone(), new);
        }
        schemas.fill(input, &schemas.input.clone());
        schemas.fill(output, &schemas.output.clone());
        schemas
    }

    /// The schema of an argument.
    pub(super) fn input(&self, schema: &Value) -> Value {
        placed(schema, &self.input)
    }

    /// The schema of an answer.
    pub(super) fn output(&self, schema: &Value) -> Value {
        placed(schema, &self.output)
    }

    /// What goes under `components.schemas`.
    pub(super) fn into_components(self) -> Map<String, Value> {
        self.components
    }

    /// A name that no other definition has.
    fn reserve(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.components.contains_key(name)).unwrap_or_default();
        self.components.insert(free.clone(), Value::Null);
        free
    }

    fn fill(&mut self, definitions: &Map<String, Value>, names: &Map<String, Value>) {
        for (name, schema) in definitions {
            self.components.insert(names[name].as_str().unwrap_or(name).to_owned(), placed(schema, names));
        }
    }
}

/// The names whose definitions differ, or refer to one that does.
fn apart<'a>(input: &'a Map<String, Value>, output: &Map<String, Value>) -> BTreeSet<&'a str> {
    let differs = |(name, schema): &(&String, &Value)| output.get(*name).is_some_and(|other| other != *schema);
    let mut apart: BTreeSet<&str> = input.iter().filter(differs).map(|(name, _)| name.as_str()).collect();
    loop {
        let more = |(name, schema): &(&'a String, &Value)| !apart.contains(name.as_str()) && refers_to(schema, &apart);
        let found: Vec<&str> = input.iter().filter(more).map(|(name, _)| name.as_str()).collect();
        if found.is_empty() {
            return apart;
        }
        apart.extend(found);
    }
}

fn refers_to(value: &Value, names: &BTreeSet<&str>) -> bool {
    match value {
        Value::Object(entries) => {
            let reference = entries.get("$ref").and_then(Value::as_str).and_then(definition);
            reference.is_some_and(|name| names.contains(name.as_str())) || entries.values().any(|value| refers_to(value, names))
        }
        Value::Array(values) => values.iter().any(|value| refers_to(value, names)),
        _ => false,
    }
}

/// The schema with its references turned to their places in the document, and its integers within their bounds.
fn placed(schema: &Value, names: &Map<String, Value>) -> Value {
    let mut schema = schema.clone();
    if let Ok(schema) = <&mut Schema>::try_from(&mut schema) {
        RecursiveTransform(bounded).transform(schema);
    }
    rename(&mut schema, names);
    schema
}

/// The formats of 32 and 64 bits say their bounds to those who know them; they are said to everybody here, as schemars does for smaller ones.
fn bounded(schema: &mut Schema) {
    let (lowest, highest) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (json!(i32::MIN), json!(i32::MAX)),
        Some("int64" | "int") => (json!(i64::MIN), json!(i64::MAX)),
        Some("uint32") => (json!(0), json!(u32::MAX)),
        Some("uint64" | "uint") => (json!(0), json!(u64::MAX)),
        _ => return,
    };
    let schema = schema.ensure_object();
    schema.entry("minimum").or_insert(lowest);
    schema.entry("maximum").or_insert(highest);
}

/// A parameter that may be left out is never `null`.
pub(super) fn without_null(schema: &mut Value) {
    let Some(entries) = schema.as_object_mut() else { return };
    for (key, null) in [("type", json!("null")), ("enum", Value::Null)] {
        if let Some(Value::Array(values)) = entries.get_mut(key) {
            values.retain(|value| *value != null);
        }
    }
    if let Some(Value::Array(types)) = entries.get("type")
        && let [single] = &types[..]
    {
        let single = single.clone();
        entries.insert("type".to_owned(), single);
    }
    if let Some(Value::Array(choices)) = entries.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({ "type": "null" }));
        if let [Value::Object(only)] = &choices[..] {
            let only = only.clone();
            entries.remove("anyOf");
            entries.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(input: Value, output: Value) -> Definitions {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Definitions { input: map(input), output: map(output) }
    }

    fn refers(name: &str) -> Value {
        json!({ "items": { "$ref": format!("#/$defs/{name}") } })
    }

    #[test]
    fn types_that_are_read_as_they_are_written_stand_there_once() {
        let both = json!({ "Id": { "type": "string" }, "Ids": refers("Id") });
        let schemas = Schemas::of(&definitions(both.clone(), both));
        assert_eq!(schemas.input(&refers("Ids"))["items"]["$ref"], "#/components/schemas/Ids");
        assert_eq!(schemas.into_components().keys().collect::<Vec<_>>(), ["Id", "Ids", "Problem"]);
    }

    #[test]
    fn types_that_differ_stand_there_twice_with_all_that_refer_to_them() {
        let input = json!({ "Id": { "type": "string" }, "Ids": refers("Id"), "Other": { "type": "boolean" } });
        let output = json!({ "Id": { "type": "integer" }, "Ids": refers("Id"), "Other": { "type": "boolean" } });
        let schemas = Schemas::of(&definitions(input, output));
        let (input, output) = (schemas.input(&refers("Ids")), schemas.output(&refers("Ids")));
        let components = schemas.into_components();
        assert_eq!(
            (&input["items"]["$ref"], &output["items"]["$ref"]),
            (&"#/components/schemas/IdsInput".into(), &"#/components/schemas/Ids".into())
        );
        assert_eq!(components["IdsInput"]["items"]["$ref"], "#/components/schemas/IdInput");
        assert_eq!(components["Ids"]["items"]["$ref"], "#/components/schemas/Id");
        assert_eq!(components.keys().collect::<Vec<_>>(), ["Id", "IdInput", "Ids", "IdsInput", "Other", "Problem"]);
    }

    #[test]
    fn names_are_legal_and_that_of_problems_is_taken() {
        let output = json!({ "Problem": { "type": "string" }, "Page<Order>": { "$ref": "#/$defs/Problem" } });
        let schemas = Schemas::of(&definitions(json!({}), output));
        assert_eq!(schemas.output(&json!({ "$ref": "#/$defs/Page%3COrder%3E" }))["$ref"], "#/components/schemas/Page_Order_");
        let components = schemas.into_components();
        assert_eq!(components["Page_Order_"]["$ref"], "#/components/schemas/Problem2");
        assert_eq!(components["Problem"]["required"][2], "status");
    }

    #[test]
    fn integers_have_bounds() {
        let schema = placed(&json!({ "properties": { "n": { "type": "integer", "format": "uint32", "minimum": 1 } } }), &Map::new());
        assert_eq!(schema["properties"]["n"], json!({ "type": "integer", "format": "uint32", "minimum": 1, "maximum": u32::MAX }));
    }

    #[test]
    fn what_may_be_left_out_is_not_null() {
        let without = |mut schema: Value| {
            without_null(&mut schema);
            schema
        };
        assert_eq!(without(json!({ "type": ["integer", "null"], "minimum": 0 })), json!({ "type": "integer", "minimum": 0 }));
        assert_eq!(without(json!({ "anyOf": [{ "$ref": "#/$defs/A" }, { "type": "null" }] })), json!({ "$ref": "#/$defs/A" }));
        assert_eq!(without(json!({ "type": ["string", "null"], "enum": ["a", null] })), json!({ "type": "string", "enum": ["a"] }));
        assert_eq!(without(json!(true)), json!(true));
    }
}
