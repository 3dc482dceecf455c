//! How a message goes over a channel: a line with its attributes as a JSON object, then its body.

use std::sync::Arc;

use bytes::Bytes;

use super::super::attributes::{self, Attributes};
use crate::message::{Envelope, Id, Metadata};

pub(in super::super) fn write(envelope: &Envelope) -> Vec<u8> {
    let mut message = attributes::write(&envelope.metadata, None);
    message.reserve_exact(1 + envelope.payload.len());
    message.push(b'\n');
    message.extend_from_slice(&envelope.payload);
    message
}

/// What begins with no such line is a foreign program's: all of it is the body.
pub(super) fn read(topic: Arc<str>, message: Vec<u8>) -> Envelope {
    let message = Bytes::from(message);
    let mut metadata = Metadata::foreign(Id::new());
    let end = message.iter().position(|&byte| byte == b'\n');
    let attributes =
        end.and_then(|end| Attributes::read(&message[..end]).filter(|attributes| attributes.has("specversion")).zip(Some(end)));
    match attributes {
        None => Envelope::new(topic, metadata, message),
        Some((attributes, end)) => {
            attributes.set(&mut metadata);
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
