//! Messages as entries of a stream.
//!
//! The attributes of CloudEvents are the field `ce`, a JSON object, except for the key, which scripts look for; the body is the
//! field `data`, untouched. Foreign programs may as well write each attribute as a field by its own name. No attribute may have a
//! hyphen in its name, so that fields of ours beside them can't be taken for one.

use std::sync::Arc;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::attributes::{self, Attributes, CONTENT_TYPE, PARTITION_KEY};
use crate::broker::{BrokerError, BrokerErrorKind};
use crate::message::{Envelope, Id, Metadata, cloudevents};

const ATTRIBUTES: &str = "ce";
const DATA: &str = "data";
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
    command.arg(ATTRIBUTES).arg(attributes::write(metadata, Some(PARTITION_KEY)));
    if let Some(key) = &metadata.key {
        command.arg(PARTITION_KEY).arg(key.as_bytes());
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

/// An extension may not have the name of an attribute that is written apart from the others.
pub(super) fn check(envelope: &Envelope) -> Result<(), BrokerError> {
    match [CONTENT_TYPE, PARTITION_KEY].into_iter().find(|name| envelope.metadata.extensions.contains_key(*name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "could not publish to `{}`: the extension `{name}` has the name of another attribute; call it otherwise",
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
        if name == ATTRIBUTES
            && let Some(attributes) = Attributes::read(&value)
        {
            self.has_id |= attributes.has("id");
            attributes.set(metadata);
            return;
        }
        let value = cloudevents::text(&value);
        match name {
            TOPIC => self.topic = Some(value.into_owned()),
            ORIGIN => self.origin = Some(value.into_owned()),
            PROVENANCE => self.provenance = Some(value.into_owned()),
            REDELIVERED => self.redelivered = value.parse().unwrap_or(0),
            _ => {
                self.has_id |= name == "id";
                cloudevents::read(metadata, name, &value);
            }
        }
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

    /// What a command would send, taken apart again.
    fn written(envelope: &Envelope) -> Value {
        let mut command = Cmd::new();
        write(&mut command, envelope);
        let fields: Vec<&[u8]> =
            command.args_iter().map(|argument| if let redis::Arg::Simple(bytes) = argument { bytes } else { b"" }).collect();
        let text = |field: &[u8]| str::from_utf8(field).unwrap().to_owned();
        let names: Vec<String> = fields.chunks(2).map(|pair| text(pair[0])).collect();
        let pairs: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(fields.chunks(2).map(|pair| pair[1])).collect();
        entry(&pairs)
    }

    #[test]
    fn a_message_is_three_fields_and_comes_back_as_it_went() {
        let mut metadata = Metadata::new("orders.placed", "shop".into());
        metadata.key = Some("o-1".into());
        metadata.content_type = Some("text/plain".into());
        // None of these is mistaken for a field.
        for name in ["data", "ce", "comms-topic"] {
            metadata.extensions.insert(name.into(), "x".into());
        }
        let envelope = Envelope::new("t".into(), metadata, Bytes::from_static(&[0, 255]));
        let value = written(&envelope);
        let Value::Array(parts) = &value else { panic!("{value:?}") };
        let Value::Array(fields) = &parts[1] else { panic!("{parts:?}") };
        assert_eq!(fields.len(), 6);
        assert_eq!(*read(value, &"t".into()).unwrap().envelope, envelope);
    }

    #[test]
    fn a_field_that_only_looks_like_the_attributes_is_kept() {
        let read = read(entry(&[("ce", b"{\"id\": [1]}"), ("data", b"")]), &"t".into()).unwrap();
        assert_eq!(
            (&*read.envelope.metadata.extensions["ce"], read.envelope.metadata.id.to_string().as_str()),
            ("{\"id\": [1]}", "t/17-2")
        );
    }

    #[test]
    fn an_extension_by_the_name_of_the_key_is_refused() {
        let mut metadata = Metadata::foreign(Id::new());
        metadata.extensions.insert("partitionkey".into(), "x".into());
        let error = check(&Envelope::new("t".into(), metadata, Bytes::new())).unwrap_err();
        assert!(error.to_string().contains("`partitionkey`"));
    }
}
