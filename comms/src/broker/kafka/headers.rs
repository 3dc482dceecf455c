//! The binary mode of the CloudEvents Kafka binding: attributes are headers `ce_<name>`, the content type has one of its own.
//!
//! What a foreign producer put beside them is kept for retries and dead letters.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};

use super::trail::{self, Link};
use crate::message::{Envelope, Id, Metadata, cloudevents};

const PREFIX: &str = "ce_";
const CONTENT_TYPE: &str = "content-type";
/// The topic that a copy was published to first.
const TOPIC: &str = "comms-topic";
/// Not to be delivered before this time (RFC 3339).
const NOT_BEFORE: &str = "comms-not-before";
/// The provenance of a dead letter, as JSON.
const PROVENANCE: &str = "comms-provenance";
/// The one group that a replayed message of an ordered subscription is for.
const ONLY_FOR: &str = "comms-only-for";
/// What the publisher had confirmed before it began with this message.
const AFTER: &str = "comms-after";

/// What a copy carries beside the attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra<'a> {
    pub(super) not_before: Option<Timestamp>,
    pub(super) provenance: Option<&'a str>,
    pub(super) only_for: Option<&'a str>,
    /// What the original had beside the attributes.
    pub(super) foreign: Option<&'a OwnedHeaders>,
}

/// The headers of a message that is published to its topic.
pub(super) fn write(metadata: &Metadata) -> OwnedHeaders {
    attributes(metadata, OwnedHeaders::new_with_capacity(10))
}

/// The headers of a copy: a retry, a dead letter or a replay.
pub(super) fn write_copy(envelope: &Envelope, extra: Extra<'_>) -> OwnedHeaders {
    let mut headers = extra.foreign.cloned().unwrap_or_default();
    headers = insert(headers, TOPIC, &envelope.topic);
    if let Some(time) = extra.not_before {
        headers = insert(headers, NOT_BEFORE, &time.to_string());
    }
    if let Some(provenance) = extra.provenance {
        headers = insert(headers, PROVENANCE, provenance);
    }
    if let Some(group) = extra.only_for {
        headers = insert(headers, ONLY_FOR, group);
    }
    attributes(&envelope.metadata, headers)
}

/// Adds what the publisher had confirmed before.
pub(super) fn with_links(headers: OwnedHeaders, links: &str) -> OwnedHeaders {
    if links.is_empty() { headers } else { insert(headers, AFTER, links) }
}

/// What [`with_links`] was given.
pub(super) fn without_links(headers: &OwnedHeaders) -> OwnedHeaders {
    headers.iter().filter(|header| header.key != AFTER).fold(OwnedHeaders::new(), OwnedHeaders::insert)
}

fn attributes(metadata: &Metadata, headers: OwnedHeaders) -> OwnedHeaders {
    // An option: empty headers, which a default would be, are a list of librdkafka's already.
    let mut headers = Some(headers);
    let mut name = String::with_capacity(32);
    cloudevents::write(metadata, |attribute, value| {
        name.clear();
        name.push_str(PREFIX);
        name.push_str(attribute);
        headers = headers.take().map(|headers| insert(headers, &name, &value));
    });
    let mut headers = headers.unwrap_or_default();
    if let Some(content_type) = &metadata.content_type {
        headers = insert(headers, CONTENT_TYPE, content_type);
    }
    headers
}

fn insert(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header { key, value: Some(value) })
}

/// Whether each attribute can be a header: a name with a NUL in it can't.
pub(super) fn headers_fit(metadata: &Metadata) -> bool {
    metadata.extensions.keys().all(|name| !name.contains('\0'))
}

/// About how many bytes the attributes take beside the payload.
pub(super) fn size(metadata: &Metadata) -> usize {
    let optional = |text: Option<&str>| text.map_or(0, str::len);
    let fixed = metadata.name.len() + metadata.source.len() + optional(metadata.trace_state.as_deref());
    let extensions: usize = metadata.extensions.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
    1024 + fixed + 2 * optional(metadata.key.as_deref()) + extensions
}

/// A message taken apart.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) offset: i64,
    pub(super) envelope: Envelope,
    pub(super) foreign: Option<OwnedHeaders>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) provenance: Option<String>,
    pub(super) only_for: Option<String>,
    pub(super) after: Vec<Link>,
}

/// Takes a message apart, of the topic that Kafka calls `place` and the message is to be known by as `topic`.
pub(super) fn read(message: &BorrowedMessage<'_>, place: &Arc<str>, topic: &Arc<str>) -> Read {
    let mut read = Read {
        offset: message.offset(),
        envelope: Envelope::new(Arc::clone(topic), Metadata::foreign(Id::from(uuid::Uuid::nil())), payload(message)),
        foreign: None,
        not_before: None,
        provenance: None,
        only_for: None,
        after: Vec::new(),
    };
    let mut has_id = false;
    for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        let text = cloudevents::text(header.value.unwrap_or_default());
        match header.key.strip_prefix(PREFIX) {
            Some(attribute) => {
                has_id |= attribute == "id";
                cloudevents::read(&mut read.envelope.metadata, attribute, &text);
            }
            None => read.take(header, &text, place),
        }
    }
    complete(&mut read.envelope.metadata, message, topic, has_id);
    read
}

impl Read {
    fn take(&mut self, header: Header<'_, &[u8]>, text: &str, came_from: &Arc<str>) {
        match header.key {
            CONTENT_TYPE => self.envelope.metadata.content_type = Some(cloudevents::content_type(text)),
            TOPIC => self.envelope.topic = text.into(),
            NOT_BEFORE => self.not_before = text.parse().ok(),
            PROVENANCE => self.provenance = Some(text.to_owned()),
            ONLY_FOR => self.only_for = Some(text.to_owned()),
            AFTER => self.after = trail::read(text, came_from),
            _ => self.foreign = Some(self.foreign.take().unwrap_or_default().insert(header)),
        }
    }
}

fn payload(message: &BorrowedMessage<'_>) -> Bytes {
    Bytes::copy_from_slice(message.payload().unwrap_or_default())
}

/// What a foreign producer said by Kafka's own means counts where it gave no attribute. Its place is its id: a message that
/// is delivered again keeps it.
fn complete(metadata: &mut Metadata, message: &BorrowedMessage<'_>, topic: &str, has_id: bool) {
    if has_id {
        return;
    }
    metadata.id = Id::parse(&format!("{topic}/{}/{}", message.partition(), message.offset()));
    if metadata.key.is_none() {
        metadata.key = message.key().and_then(|key| std::str::from_utf8(key).ok()).map(Into::into);
    }
    if metadata.time.is_none() {
        metadata.time = message.timestamp().to_millis().and_then(|time| Timestamp::from_millisecond(time).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_names_what_is_so_then_and_nothing_else() {
        let plain = insert(OwnedHeaders::new(), CONTENT_TYPE, "text/plain");
        let again = with_links(without_links(&with_links(plain, "/0/17")), "/0/18");
        let found: Vec<_> = again.iter().map(|header| (header.key, header.value)).collect();
        assert_eq!(found, [(CONTENT_TYPE, Some(&b"text/plain"[..])), (AFTER, Some(b"/0/18"))]);
    }
}
