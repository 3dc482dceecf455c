//! Schemas of payloads in the dialect of AsyncAPI, a superset of JSON Schema draft 7, with what they share in
//! one place.

use schemars::Schema;
use schemars::transform::{RemoveRefSiblings, ReplacePrefixItems, ReplaceUnevaluatedProperties, Transform as _};
use serde_json::{Map, Value, json};

use crate::app::commands::document::{legal, rename};

/// The definitions that the payloads refer to.
#[derive(Default)]
pub(super) struct Schemas {
    shared: Map<String, Value>,
}

impl Schemas {
    /// The schema with its definitions moved to the shared ones.
    pub(super) fn add(&mut self, mut schema: Schema) -> Value {
        ReplacePrefixItems::default().transform(&mut schema);
        ReplaceUnevaluatedProperties::default().transform(&mut schema);
        RemoveRefSiblings::default().transform(&mut schema);
        let mut schema = schema.to_value();
        let definitions = take_definitions(&mut schema);
        let names = self.names_for(&definitions, &schema);
        for (name, mut definition) in definitions {
            rename(&mut definition, &names);
            self.shared.insert(names[&name].as_str().unwrap_or(&name).to_owned(), definition);
        }
        rename(&mut schema, &names);
        schema
    }

    /// What goes under `components.schemas`.
    pub(super) fn into_components(self) -> Map<String, Value> {
        self.shared
    }

    /// A name for each definition: its own, unless another type has it already; then that of the message's type before it.
    fn names_for(&self, definitions: &Map<String, Value>, root: &Value) -> Map<String, Value> {
        let title = root["title"].as_str().unwrap_or("Payload");
        let taken = |name: &str| self.shared.contains_key(name);
        let same: Map<String, Value> = definitions.keys().map(|name| (name.clone(), json!(legal(name)))).collect();
        let fits = |name: &String, definition: &Value| {
            let mut renamed = definition.clone();
            rename(&mut renamed, &same);
            self.shared.get(&legal(name)).is_none_or(|known| *known == renamed)
        };
        // All or none: a definition that is the same may refer to one that is not.
        if definitions.iter().all(|(name, definition)| fits(name, definition)) {
            return same;
        }
        let prefix = (1..).map(|n| if n == 1 { format!("{title}.") } else { format!("{title}{n}.") });
        let free = |prefix: &String| !definitions.keys().any(|name| taken(&legal(&format!("{prefix}{name}"))));
        let prefix = prefix.into_iter().find(free).unwrap_or_default();
        definitions.keys().map(|name| (name.clone(), json!(legal(&format!("{prefix}{name}"))))).collect()
    }
}

fn take_definitions(schema: &mut Value) -> Map<String, Value> {
    let Some(schema) = schema.as_object_mut() else { return Map::new() };
    schema.remove("$schema");
    match schema.remove("$defs") {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(definition: &Value) -> Schema {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Placed",
            "type": "object",
            "properties": { "id": { "$ref": "#/$defs/Id", "description": "who" } },
            "$defs": { "Id": definition, "Box": { "items": { "$ref": "#/$defs/Id" } } }
        })
        .try_into()
        .unwrap()
    }

    #[test]
    fn definitions_of_one_content_are_shared_and_of_another_kept_apart() {
        let mut schemas = Schemas::default();
        let first = schemas.add(schema(&json!({ "type": "string" })));
        assert_eq!(first["properties"]["id"]["allOf"][0]["$ref"], "#/components/schemas/Id");
        assert!(first.get("$schema").is_none() && first.get("$defs").is_none());
        assert_eq!(schemas.add(schema(&json!({ "type": "string" }))), first);
        let other = schemas.add(schema(&json!({ "type": "integer" })));
        assert_eq!(other["properties"]["id"]["allOf"][0]["$ref"], "#/components/schemas/Placed.Id");
        let shared = schemas.into_components();
        assert_eq!(shared.keys().collect::<Vec<_>>(), ["Box", "Id", "Placed.Box", "Placed.Id"]);
        assert_eq!(shared["Placed.Box"]["items"]["$ref"], "#/components/schemas/Placed.Id");
    }
}
