//! How a message goes over a channel: a line with its attributes as a JSON object, then its body.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::message::{Envelope, Id, Metadata, cloudevents};

const CONTENT_TYPE: &str = "datacontenttype";

pub(in super::super) fn write(envelope: &Envelope) -> Vec<u8> {
    let metadata = &envelope.metadata;
    let mut attributes = BTreeMap::new();
    cloudevents::write(metadata, |name, value| drop(attributes.insert(name.to_owned(), value.into_owned())));
    if let Some(content_type) = &metadata.content_type {
        attributes.insert(CONTENT_TYPE.to_owned(), content_type.clone().into_owned());
    }
    // Texts by names can always be written.
    let mut message = serde_json::to_vec(&attributes).unwrap_or_default();
    message.reserve_exact(1 + envelope.payload.len());
    message.push(b'\n');
    message.extend_from_slice(&envelope.payload);
    message
}

/// What begins with no such line is a foreign program's: all of it is the body.
pub(super) fn read(topic: Arc<str>, message: Vec<u8>) -> Envelope {
    let message = Bytes::from(message);
    let end = message.iter().position(|&byte| byte == b'\n');
    let line = end.and_then(|end| serde_json::from_slice::<BTreeMap<String, String>>(&message[..end]).ok().zip(Some(end)));
    let mut metadata = Metadata::foreign(Id::new());
    match line.filter(|(attributes, _)| attributes.contains_key("specversion")) {
        None => Envelope::new(topic, metadata, message),
        Some((attributes, end)) => {
            attributes.iter().for_each(|(name, value)| cloudevents::read(&mut metadata, name, value));
            Envelope::new(topic, metadata, message.slice(end + 1..))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_way_byte_for_byte() {
        let mut metadata = Metadata::new("orders.placed", "shop".into());
        metadata.content_type = Some("text/plain".into());
        metadata.extensions.insert("note".into(), "two\nlines „“".into());
        let sent = Envelope::new("orders".into(), metadata, Bytes::from_static(b"\n\x00{}\n\xff"));
        assert_eq!(read("orders".into(), write(&sent)), sent);
    }

    #[test]
    fn what_a_foreign_program_publishes_is_the_body() {
        for text in ["plain", "", "{\"n\": 1}", "{\"n\": \"1\"}\nmore", "[]\n", "not json\n{}"] {
            let read = read("orders".into(), text.as_bytes().to_vec());
            assert_eq!((&read.payload[..], &*read.topic), (text.as_bytes(), "orders"));
        }
    }
}
