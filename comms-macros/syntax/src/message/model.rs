//! What a checked message attribute says.

use proc_macro2::Ident;
use syn::{Member, Type};

use crate::{Common, Number, RequestKind, Text};

/// What the attribute declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `#[event]`.
    Event,
    /// `#[command]` or `#[query]`.
    Request(RequestKind),
}

impl Kind {
    /// The attribute, as it is written.
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Event => "#[event]",
            Self::Request(RequestKind::Command) => "#[command]",
            Self::Request(RequestKind::Query) => "#[query]",
        }
    }
}

/// How a message becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Codec {
    /// serde_json.
    #[default]
    Json,
    /// prost.
    Protobuf,
}

/// A message type.
#[derive(Clone, Debug)]
pub struct Message {
    /// What all models have.
    pub common: Common,
    /// The struct.
    pub ident: Ident,
    /// The wire name.
    pub name: Text,
    /// The version of its shape, from 1.
    pub version: Number,
    /// The topic: said, or the default of commands and queries.
    pub topic: Text,
    /// The field that is its key.
    pub key: Option<Member>,
    /// The named broker, unless it is the default.
    pub broker: Option<Text>,
    /// Its encoding.
    pub codec: Codec,
    /// Whether it has a JSON Schema.
    pub schema: bool,
    /// For commands and queries.
    pub reply: Option<Reply>,
    /// Whether it is a command or a query.
    pub kind: Kind,
    /// Which of serde's and schemars' traits the struct derives itself.
    pub derives: Derives,
}

/// What commands and queries have beyond events.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The service that handles it.
    pub owner: Text,
    /// What the handler returns, unless it is `()`.
    pub reply: Option<Type>,
    /// What it returns when it refuses, unless it is `comms::Failure`.
    pub error: Option<Type>,
}

/// What the struct derives, or says, itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Derives {
    /// `Serialize`.
    pub serialize: bool,
    /// `Deserialize`.
    pub deserialize: bool,
    /// `JsonSchema`.
    pub schema: bool,
    /// `#[serde(crate = ..)]`.
    pub serde_crate: bool,
    /// `#[schemars(crate = ..)]`.
    pub schemars_crate: bool,
}
