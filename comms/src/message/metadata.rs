//! What a message carries beside its payload: the attributes of CloudEvents 1.0.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{Extensions, Id, TraceParent};

/// The context attributes of a message, as [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
/// names them, with the extensions that `comms` adds.
///
/// Every broker binding writes these in its protocol's own headers (binary mode) and leaves the
/// body untouched. A message from a foreign producer may lack any of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// `id`: unique for its source; deduplication goes by it.
    pub id: Id,
    /// `type`: the wire name of the message type; empty when a foreign producer gave none.
    pub name: Cow<'static, str>,
    /// Extension `typeversion`: the version of the message type; 1 when absent.
    pub version: u32,
    /// `source`: who produced it; for us the name of the service.
    pub source: Arc<str>,
    /// `time`: when it was produced.
    pub time: Option<Timestamp>,
    /// `datacontenttype`: how the payload is encoded.
    pub content_type: Option<Cow<'static, str>>,
    /// Extension `correlationid`: the conversation, kept through a whole cascade.
    pub correlation: Option<Id>,
    /// Extension `causationid`: the message whose handling produced this one.
    pub causation: Option<Id>,
    /// Extension `partitionkey`: messages of one key keep their order.
    pub key: Option<Arc<str>>,
    /// Extension `deadline`: after this moment nobody waits for the result.
    pub deadline: Option<Timestamp>,
    /// Extension `traceparent`.
    pub trace: Option<TraceParent>,
    /// Extension `tracestate`, opaque to us.
    pub trace_state: Option<Arc<str>>,
    /// Extension `attempt`: how often handling was begun before this copy was published; 0 at first.
    pub attempt: u32,
    /// Every further attribute, by its name without a protocol's prefix.
    pub extensions: Extensions,
}

impl Metadata {
    /// The attributes of a new message of the type `name`, produced now by `source`.
    #[inline]
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, source: Arc<str>) -> Self {
        let now = Timestamp::now();
        Self::bare(Id::at(now), name.into(), source, Some(now))
    }

    /// The attributes of a message that came with none: an id and nothing else.
    #[must_use]
    pub fn foreign(id: Id) -> Self {
        Self::bare(id, Cow::Borrowed(""), empty(), None)
    }

    // Inlined, so that what is published is put together where it stays.
    #[inline]
    fn bare(id: Id, name: Cow<'static, str>, source: Arc<str>, time: Option<Timestamp>) -> Self {
        Self {
            id,
            name,
            version: 1,
            source,
            time,
            content_type: None,
            correlation: None,
            causation: None,
            key: None,
            deadline: None,
            trace: None,
            trace_state: None,
            attempt: 0,
            extensions: Extensions::default(),
        }
    }
}

fn empty() -> Arc<str> {
    static EMPTY: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| "".into());
    Arc::clone(&EMPTY)
}

/// A message on its way: where it goes, its attributes, and the encoded payload.
///
/// It is immutable and shared; a retry or a dead letter is a new envelope around the same payload.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Envelope {
    /// The topic that it was published to.
    pub topic: Arc<str>,
    /// The CloudEvents attributes.
    pub metadata: Metadata,
    /// The body, byte for byte as it was published.
    pub payload: Bytes,
}

impl Envelope {
    /// Puts the parts together.
    #[must_use]
    #[inline]
    pub fn new(topic: Arc<str>, metadata: Metadata, payload: Bytes) -> Self {
        Self { topic, metadata, payload }
    }
}
