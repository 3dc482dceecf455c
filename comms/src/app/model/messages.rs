//! Message types.

use serde::Serialize;

use crate::message::{MessageKind, MessageType};

/// A message type by its identity on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct MessageName {
    pub(crate) name: String,
    pub(crate) version: u32,
}

impl std::fmt::Display for MessageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// A message type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct MessageModel {
    #[serde(flatten)]
    pub(crate) id: MessageName,
    pub(crate) kind: &'static str,
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) content_type: String,
    pub(crate) owner: Option<String>,
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
    pub(crate) rust_path: String,
    /// The JSON Schema of the payload, as schemars makes it; in the documents only.
    #[serde(skip)]
    pub(crate) schema: Option<schemars::Schema>,
}

impl MessageName {
    pub(crate) fn of(message: &MessageType) -> Self {
        Self { name: message.name.to_owned(), version: message.version }
    }
}

impl MessageModel {
    /// The message type with its schema.
    pub(crate) fn of(message: &MessageType, schema: Option<schemars::Schema>) -> Self {
        Self {
            id: MessageName::of(message),
            kind: kind(message.kind),
            topic: message.topic.to_owned(),
            broker: message.broker.to_owned(),
            content_type: message.content_type.to_owned(),
            owner: message.owner.map(str::to_owned),
            key: message.key.map(str::to_owned),
            doc: message.doc.trim().to_owned(),
            rust_path: message.rust_path.to_owned(),
            schema,
        }
    }
}

pub(super) fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Event => "event",
        MessageKind::Command => "command",
        MessageKind::Query => "query",
    }
}
