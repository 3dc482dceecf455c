//! The vocabulary of messages: their types, their attributes, and how they become bytes.

pub mod cloudevents;
pub mod codec;
mod extensions;
mod id;
mod metadata;
mod trace;

use bytes::Bytes;

pub use codec::CodecError;
pub use extensions::Extensions;
pub use id::Id;
pub use metadata::{Envelope, Metadata};
pub(crate) use trace::new_span;
pub use trace::{InvalidTraceParent, TraceParent};

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// Something that happened; any number of services may handle it.
    Event,
    /// Something to be done; exactly one handler, in the service that owns it.
    Command,
    /// Something to be answered; exactly one handler, in the service that owns it.
    Query,
}

/// What is known of a message type when it is compiled: the identity that it has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageType {
    /// The wire name, never taken from the Rust path: renaming a struct changes nothing outside.
    pub name: &'static str,
    /// The version of its shape, from 1.
    pub version: u32,
    /// Event, command or query.
    pub kind: MessageKind,
    /// The topic that it is published to.
    pub topic: &'static str,
    /// The named broker that carries it; `default` unless the type says otherwise.
    pub broker: &'static str,
    /// How it is encoded, as a media type.
    pub content_type: &'static str,
    /// For commands and queries, the service that handles it.
    pub owner: Option<&'static str>,
    /// The field that is its key, if any.
    pub key: Option<&'static str>,
    /// The doc comment of the type.
    pub doc: &'static str,
    /// The full path of the Rust type, for diagnoses and to tell two types of one name apart.
    pub rust_path: &'static str,
}

/// A type that travels between services. Implemented by `#[event]`, `#[command]` and `#[query]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "expected a message type here",
    note = "annotate the struct with #[event(name = \"..\", version = 1, topic = \"..\")], #[command(..)] or #[query(..)]"
)]
pub trait Message: Sized + Send + Sync + 'static {
    /// The identity on the wire.
    const TYPE: MessageType;

    /// The value of the key field: messages with one key keep their order.
    fn key(&self) -> Option<String>;

    /// Writes the payload in the type's codec.
    ///
    /// # Errors
    /// [`CodecError::Encode`] when the codec refuses the value.
    fn encode(&self) -> Result<Bytes, CodecError>;

    /// Reads a payload; the codec follows the content type that the message carried.
    ///
    /// # Errors
    /// [`CodecError::ContentType`] and [`CodecError::Decode`].
    fn decode(content_type: Option<&str>, payload: &[u8]) -> Result<Self, CodecError>;

    /// The JSON Schema of the payload, for AsyncAPI; `None` where the codec has none.
    fn schema() -> Option<schemars::Schema>;
}

/// Something that happened.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "an event handler takes an event",
    note = "annotate the struct with #[event(name = \"..\", version = 1, topic = \"..\")]"
)]
pub trait Event: Message {}

/// A message that gets one answer: what commands and queries have in common.
pub trait Request: Message {
    /// What the handler returns when it succeeds.
    type Reply: serde::Serialize + serde::de::DeserializeOwned + Send + 'static;
    /// What the handler returns when it refuses; it reaches the caller as this very type, also over a broker.
    type Error: serde::Serialize + serde::de::DeserializeOwned + std::error::Error + Send + Sync + 'static;
}

/// Something to be done by the one service that owns it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "expected a command here",
    note = "annotate the struct with #[command(name = \"..\", version = 1, owner = \"..\")]"
)]
pub trait Command: Request {}

/// Something to be answered by the one service that owns it, without changing anything.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    label = "expected a query here",
    note = "annotate the struct with #[query(name = \"..\", version = 1, owner = \"..\")]"
)]
pub trait Query: Request {}
