//! Messages as entries of a stream.
//!
//! The attributes of CloudEvents are fields by their own names, the body is the field `data`, untouched. No attribute may
//! have a hyphen in its name, so that fields of ours beside them can't be taken for one.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use redis::{Cmd, Value};

use crate::broker::{BrokerError, BrokerErrorKind};
use crate::message::{Envelope, Id, Metadata, cloudevents};

const DATA: &str = "data";
const CONTENT_TYPE: &str = "datacontenttype";
/// The topic of an entry that stands in another stream than its topic's.
const TOPIC: &str = "comms-topic";
/// Where an entry without an id stood first: that is its id.
const ORIGIN: &str = "comms-origin";
/// How often a copy was delivered before.
const REDELIVERED: &str = "comms-redelivered";
/// The provenance of a dead letter, as JSON.
pub(super) const PROVENANCE: &str = "comms-provenance";

/// Adds the fields of a message that is published to the stream of its topic.
pub(super) fn write(command: &mut Cmd, envelope: &Envelope) {
    let metadata = &envelope.metadata;
    cloudevents::write(metadata, |name, value| {
        command.arg(name).arg(value.as_bytes());
    });
    if let Some(content_type) = &metadata.content_type {
        command.arg(CONTENT_TYPE).arg(content_type.as_bytes());
    }
    command.arg(DATA).arg(&envelope.payload[..]);
}

/// The same for a copy in another stream.
pub(super) fn write_copy(command: &mut Cmd, envelope: &Envelope, provenance: Option<&str>) {
    command.arg(TOPIC).arg(envelope.topic.as_bytes());
    if let Some(provenance) = provenance {
        command.arg(PROVENANCE).arg(provenance);
    }
    write(command, envelope);
}

/// An extension may not have the name of a field that means something else.
pub(super) fn check(envelope: &Envelope) -> Result<(), BrokerError> {
    let reserved = |name: &str| [DATA, CONTENT_TYPE].contains(&name) || name.starts_with("comms-");
    match envelope.metadata.extensions.iter().find(|(name, _)| reserved(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!(
                "could not publish to `{}`: the extension `{name}` has the name of another field; call it otherwise",
                envelope.topic
            );
            Err(BrokerError::new(BrokerErrorKind::Config, message))
        }
    }
}

/// An entry of a stream.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) envelope: Arc<Envelope>,
    /// How often this copy was delivered before, as far as the entry says.
    pub(super) redelivered: u32,
    /// The provenance, if it is a dead letter.
    pub(super) provenance: Option<String>,
}

/// Takes an entry apart, `[id, [name, value, ..]]`. `None` for one that was deleted. `topic` is that of its stream.
pub(super) fn read(entry: Value, topic: &Arc<str>) -> Option<Entry> {
    let mut parts = array(entry).into_iter();
    let (id, fields) = (text(parts.next()?)?, parts.next()?);
    let Value::Array(fields) = fields else { return None };
    Some(read_fields(id, fields, topic))
}

fn read_fields(id: String, fields: Vec<Value>, topic: &Arc<str>) -> Entry {
    let mut found = Found::default();
    let mut metadata = Metadata::foreign(Id::from(uuid::Uuid::nil()));
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(value)) = (fields.next(), fields.next()) {
        found.take(&mut metadata, &cloudevents::text(&name), bytes(value));
    }
    if !found.has_id {
        metadata.id = Id::parse(&found.origin.unwrap_or_else(|| format!("{topic}/{id}")));
    }
    let topic = match found.topic {
        Some(text) if *text != **topic => text.as_str().into(),
        _ => Arc::clone(topic),
    };
    let envelope = Arc::new(Envelope::new(topic, metadata, found.data));
    Entry { id, envelope, redelivered: found.redelivered, provenance: found.provenance }
}

#[derive(Default)]
struct Found {
    data: Bytes,
    topic: Option<String>,
    origin: Option<String>,
    provenance: Option<String>,
    redelivered: u32,
    has_id: bool,
}

impl Found {
    fn take(&mut self, metadata: &mut Metadata, name: &str, value: Vec<u8>) {
        if name == DATA {
            self.data = Bytes::from(value);
            return;
        }
        let value = cloudevents::text(&value);
        match name {
            TOPIC => self.topic = Some(value.into_owned()),
            ORIGIN => self.origin = Some(value.into_owned()),
            PROVENANCE => self.provenance = Some(value.into_owned()),
            REDELIVERED => self.redelivered = value.parse().unwrap_or(0),
            CONTENT_TYPE => metadata.content_type = Some(shared_content_type(&value)),
            _ => {
                self.has_id |= name == "id";
                cloudevents::read(metadata, name, &value);
            }
        }
    }
}

fn shared_content_type(text: &str) -> Cow<'static, str> {
    match text {
        "application/json" => Cow::Borrowed("application/json"),
        "application/protobuf" => Cow::Borrowed("application/protobuf"),
        other => Cow::Owned(other.to_owned()),
    }
}

/// The elements; none when it is something else.
pub(super) fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

/// A text or a number, as text.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number; 0 when it is something else.
pub(super) fn number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        _ => 0,
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes,
        other => text(other).unwrap_or_default().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[(&str, &[u8])]) -> Value {
        let fields = fields.iter().flat_map(|(name, value)| [name.as_bytes(), value]).map(|part| Value::BulkString(part.to_vec()));
        Value::Array(vec![Value::BulkString(b"17-2".to_vec()), Value::Array(fields.collect())])
    }

    #[test]
    fn a_foreign_entry_needs_no_more_than_its_data_and_keeps_one_id() {
        let topic: Arc<str> = "orders".into();
        let first = read(entry(&[("data", &[0, 255])]), &topic).unwrap();
        assert_eq!((&first.envelope.payload[..], &*first.envelope.topic), (&[0_u8, 255][..], "orders"));
        assert_eq!(first.envelope.metadata.id.to_string(), "orders/17-2");
        let given_back =
            entry(&[("data", &[0, 255]), ("comms-topic", b"orders"), ("comms-origin", b"orders/17-2"), ("comms-redelivered", b"2")]);
        let again = read(given_back, &"x".into()).unwrap();
        assert_eq!((again.envelope, again.redelivered), (first.envelope, 2));
    }

    #[test]
    fn fields_that_are_no_attributes_of_ours_are_kept() {
        let read = read(entry(&[("type", b"shop.ping"), ("colour", b"blue"), ("data", b"")]), &"t".into()).unwrap();
        assert_eq!((&*read.envelope.metadata.name, &*read.envelope.metadata.extensions["colour"]), ("shop.ping", "blue"));
    }

    #[test]
    fn an_extension_by_the_name_of_the_body_is_refused() {
        let mut metadata = Metadata::foreign(Id::new());
        metadata.extensions.insert("data".into(), "x".into());
        assert!(check(&Envelope::new("t".into(), metadata, Bytes::new())).unwrap_err().to_string().contains("`data`"));
    }
}
