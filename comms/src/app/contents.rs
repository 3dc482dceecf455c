//! What travels through routes, as data: for documents.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// What is said of a type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ContentModel {
    /// The type in Rust, for people.
    pub(crate) rust_type: String,
    /// The media type, or nothing where there is no content. A parameter has none either.
    pub(crate) media: Option<String>,
    /// Refers to [`Definitions`] under `#/$defs/`.
    pub(crate) schema: Option<Value>,
    /// Whether it may be left out.
    pub(crate) optional: bool,
    /// Whether an answer chooses its status itself.
    pub(crate) own_status: bool,
    /// The statuses of what goes wrong instead, and when.
    pub(crate) refusals: Vec<(u16, String)>,
}

impl ContentModel {
    /// Whether more could be said of it.
    pub(crate) fn lacks_schema(&self) -> bool {
        self.schema.is_none() && self.media.as_deref().is_none_or(|media| media.contains("json") || media.contains("urlencoded"))
    }
}

/// Schemas that others refer to, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Definitions {
    /// As they are read: what arguments and bodies refer to.
    pub(crate) input: Map<String, Value>,
    /// As they are written: what answers refer to. A field that may be left out when it is read can always be there when it is written.
    pub(crate) output: Map<String, Value>,
}

/// Collects definitions while schemas are made.
#[derive(Debug)]
pub(crate) struct Generators {
    pub(crate) input: SchemaGenerator,
    pub(crate) output: SchemaGenerator,
}

impl Generators {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12;
        Self { input: settings().for_deserialize().into_generator(), output: settings().for_serialize().into_generator() }
    }

    pub(crate) fn into_definitions(mut self) -> Definitions {
        Definitions { input: self.input.take_definitions(true), output: self.output.take_definitions(true) }
    }
}
