//! The binary mode of the CloudEvents AMQP binding, as AMQP 0-9-1 headers and properties.
//!
//! Attributes are headers `cloudEvents:<name>`; the prefix `cloudEvents_` is read too. What a foreign
//! producer put beside them is kept for retries and dead letters.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};

use crate::broker::subscription::shard_of;
use crate::message::{Envelope, Id, Metadata, cloudevents};

use super::topology::{BUCKETS, bucket_key};

const PREFIX: &str = "cloudEvents:";
const OTHER_PREFIX: &str = "cloudEvents_";
/// The extension with a message's priority, 0 to 255; more is more urgent. It is AMQP's property of that name too, which queues made with
/// the option `max_priority` go by, and quorum queues of RabbitMQ 4.
pub const PRIORITY: &str = "priority";
/// The topic of a copy that came back by way of the default exchange.
pub(super) const TOPIC: &str = "comms-topic";
/// The provenance of a dead letter, as JSON.
pub(super) const PROVENANCE: &str = "comms-provenance";
/// Before this time (RFC 3339) a message is held back, for delays longer than the ladder.
pub(super) const NOT_BEFORE: &str = "comms-not-before";
/// Routes beside the routing key; the server takes it off. See docs/adr/0002-rabbitmq-topology.md.
const BUCKET: &str = "BCC";
/// How often a quorum queue has had the message back.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// How large the headers may be, in bytes: they must fit into one frame of the server's 128 KiB.
pub(super) const MAX_HEADERS: usize = 96 << 10;

/// The headers and properties of a message that is published to its topic.
pub(super) fn write_published(metadata: &Metadata) -> BasicProperties {
    let mut headers = BTreeMap::new();
    if let Some(key) = &metadata.key {
        let bucket = AMQPValue::LongString(bucket_key(shard_of(key, BUCKETS)).into());
        headers.insert(short(BUCKET), AMQPValue::FieldArray(FieldArray::from(vec![bucket])));
    }
    write(metadata, BasicProperties::default(), headers)
}

/// The same for an exchange of somebody else's, with what its bindings look for. The bucket comes along: an ordered subscription of ours is
/// bound there with its own exchange, which spreads buckets.
pub(super) fn write_routed(metadata: &Metadata, extra: FieldTable) -> BasicProperties {
    let properties = write_published(metadata);
    let mut headers = properties.headers().clone().unwrap_or_default();
    for (name, value) in extra.inner() {
        headers.insert(name.clone(), value.clone());
    }
    properties.with_headers(headers)
}

/// The headers and properties of a copy that goes straight to a queue: a retry or a dead letter.
/// `foreign` is what the original had beside the attributes.
pub(super) fn write_copy(envelope: &Envelope, foreign: Option<&BasicProperties>, extra: &[(&str, String)]) -> BasicProperties {
    let properties = foreign.cloned().unwrap_or_default();
    let mut headers: BTreeMap<ShortString, AMQPValue> =
        properties.headers().as_ref().map(|headers| headers.inner().clone()).unwrap_or_default();
    headers.insert(short(TOPIC), text(&*envelope.topic));
    for (name, value) in extra {
        headers.insert(short(name), text(value.as_str()));
    }
    write(&envelope.metadata, properties, headers)
}

fn write(metadata: &Metadata, properties: BasicProperties, mut headers: BTreeMap<ShortString, AMQPValue>) -> BasicProperties {
    let mut properties = properties.with_delivery_mode(2);
    cloudevents::write(metadata, |name, value| {
        if let Ok(header) = ShortString::try_new(header_name(name)) {
            headers.insert(header, text(value.into_owned()));
        }
    });
    if let Ok(id) = ShortString::try_new(metadata.id.to_string()) {
        properties = properties.with_message_id(id);
    }
    if let Ok(name) = ShortString::try_new(&*metadata.name) {
        properties = properties.with_type(name);
    }
    if let Some(content_type) = &metadata.content_type {
        match ShortString::try_new(&**content_type) {
            Ok(content_type) => properties = properties.with_content_type(content_type),
            Err(_) => drop(headers.insert(short("cloudEvents:datacontenttype"), text(content_type.as_bytes()))),
        }
    }
    if let Some(seconds) = metadata.time.and_then(|time| u64::try_from(time.as_second()).ok()) {
        properties = properties.with_timestamp(seconds);
    }
    if let Some(priority) = metadata.extensions.get(PRIORITY).and_then(|priority| priority.parse().ok()) {
        properties = properties.with_priority(priority);
    }
    properties.with_headers(FieldTable::from(headers))
}

fn header_name(attribute: &str) -> String {
    let mut name = String::with_capacity(PREFIX.len() + attribute.len());
    name.push_str(PREFIX);
    name.push_str(attribute);
    name
}

/// A header's name that is known to be short enough.
fn short(name: &str) -> ShortString {
    ShortString::try_new(name).unwrap_or_default()
}

fn text(value: impl Into<Vec<u8>>) -> AMQPValue {
    AMQPValue::LongString(value.into().into())
}

/// About how many bytes the attributes of unbounded size take, and whether each has a name that AMQP can carry.
pub(super) fn headers_fit(metadata: &Metadata) -> bool {
    let optional = |text: Option<&str>| text.map_or(0, str::len);
    let fixed = metadata.name.len() + metadata.source.len() + optional(metadata.key.as_deref()) + optional(metadata.trace_state.as_deref());
    let mut size = 1024 + fixed;
    for (name, value) in &metadata.extensions {
        if name.len() + PREFIX.len() > 255 {
            return false;
        }
        size += PREFIX.len() + name.len() + value.len() + 8;
    }
    size <= MAX_HEADERS
}

/// What a delivery says beside its envelope.
pub(super) struct Read {
    pub(super) envelope: Envelope,
    /// How often this copy was delivered before.
    pub(super) redelivered: u32,
    /// What the message has beside CloudEvents attributes, to be kept on its copies; `None` for our own.
    pub(super) foreign: Option<Box<BasicProperties>>,
    /// Present while the message is to be held back further.
    pub(super) not_before: Option<Timestamp>,
    /// The provenance, if it is a dead letter.
    pub(super) provenance: Option<String>,
}

/// Takes a delivery apart. `topic_of` gives the shared text of a topic.
pub(super) fn read(delivery: Delivery, topic_of: impl FnOnce(&str) -> Arc<str>) -> Read {
    let Delivery { routing_key, redelivered, properties, data, .. } = delivery;
    let mut metadata = Metadata::foreign(unset_id());
    let mut found = Found { redelivered: u32::from(redelivered), ..Found::default() };
    for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        found.take(&mut metadata, name.as_str(), value);
    }
    read_properties(&mut metadata, &properties, &found);
    let topic = topic_of(found.topic.as_deref().unwrap_or(routing_key.as_str()));
    let foreign = (found.foreign || !found.has_id).then(|| Box::new(kept(properties)));
    Read {
        envelope: Envelope::new(topic, metadata, Bytes::from(data)),
        redelivered: found.redelivered,
        foreign,
        not_before: found.not_before,
        provenance: found.provenance,
    }
}

/// Stands for "no id yet" without making one for each message.
fn unset_id() -> Id {
    Id::from(uuid::Uuid::nil())
}

#[derive(Default)]
struct Found {
    redelivered: u32,
    topic: Option<String>,
    not_before: Option<Timestamp>,
    provenance: Option<String>,
    has_id: bool,
    has_type: bool,
    foreign: bool,
}

impl Found {
    fn take(&mut self, metadata: &mut Metadata, name: &str, value: &AMQPValue) {
        if let Some(attribute) = name.strip_prefix(PREFIX).or_else(|| name.strip_prefix(OTHER_PREFIX)) {
            self.has_id |= attribute == "id";
            self.has_type |= attribute == "type";
            if let Some(value) = as_text(value) {
                cloudevents::read(metadata, attribute, &value);
            }
            return;
        }
        match name {
            TOPIC => self.topic = as_text(value).map(Cow::into_owned),
            PROVENANCE => self.provenance = as_text(value).map(Cow::into_owned),
            NOT_BEFORE => self.not_before = as_text(value).and_then(|text| text.parse().ok()),
            DELIVERY_COUNT => self.redelivered = as_count(value).unwrap_or(self.redelivered),
            _ => self.foreign |= is_kept(name),
        }
    }
}

/// What the server itself writes is not carried over to a copy.
fn is_kept(name: &str) -> bool {
    !(name.starts_with("x-death")
        || name.starts_with("x-first-death")
        || name.starts_with("x-last-death")
        || [TOPIC, PROVENANCE, NOT_BEFORE, BUCKET, "CC", DELIVERY_COUNT].contains(&name)
        || name.starts_with(PREFIX)
        || name.starts_with(OTHER_PREFIX))
}

/// What a foreign producer said by AMQP's own means counts where it gave no attribute.
fn read_properties(metadata: &mut Metadata, properties: &BasicProperties, found: &Found) {
    if !found.has_id {
        metadata.id =
            properties.message_id().as_ref().filter(|id| !id.as_str().is_empty()).map_or_else(Id::new, |id| Id::parse(id.as_str()));
    }
    if let (false, Some(name)) = (found.has_type, properties.kind()) {
        metadata.name = Cow::Owned(name.to_string());
    }
    if let (None, Some(content_type)) = (&metadata.content_type, properties.content_type()) {
        metadata.content_type = Some(cloudevents::content_type(content_type.as_str()));
    }
    if !found.has_id
        && let (None, Some(correlation)) = (&metadata.correlation, properties.correlation_id())
    {
        metadata.correlation = Some(Id::parse(correlation.as_str()));
    }
    if let Some(priority) = properties.priority().filter(|&priority| priority > 0) {
        metadata.extensions.entry(PRIORITY.to_owned()).or_insert_with(|| priority.to_string());
    }
    if let (None, Some(seconds)) = (metadata.time, properties.timestamp()) {
        metadata.time = i64::try_from(*seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    }
}

/// The properties without what must not be repeated: an expiration would lose the copy, and the
/// server refuses the id of another user.
fn kept(properties: BasicProperties) -> BasicProperties {
    let headers: BTreeMap<ShortString, AMQPValue> = properties
        .headers()
        .iter()
        .flat_map(|headers| headers.inner())
        .filter(|(name, _)| is_kept(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut kept = BasicProperties::default().with_headers(FieldTable::from(headers));
    if let Some(value) = properties.reply_to() {
        kept = kept.with_reply_to(value.clone());
    }
    if let Some(value) = properties.correlation_id() {
        kept = kept.with_correlation_id(value.clone());
    }
    if let Some(value) = properties.app_id() {
        kept = kept.with_app_id(value.clone());
    }
    if let Some(value) = properties.content_encoding() {
        kept = kept.with_content_encoding(value.clone());
    }
    if let Some(value) = properties.priority() {
        kept = kept.with_priority(*value);
    }
    kept
}

fn as_text(value: &AMQPValue) -> Option<Cow<'_, str>> {
    match value {
        AMQPValue::LongString(text) => Some(cloudevents::text(text.as_bytes())),
        AMQPValue::ShortString(text) => Some(Cow::Borrowed(text.as_str())),
        AMQPValue::Boolean(value) => Some(value.to_string().into()),
        AMQPValue::Timestamp(seconds) => {
            let time = Timestamp::from_second(i64::try_from(*seconds).ok()?).ok()?;
            Some(time.to_string().into())
        }
        _ => as_number(value).map(|number| number.to_string().into()),
    }
}

fn as_number(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(n) => Some(n.into()),
        AMQPValue::ShortShortUInt(n) => Some(n.into()),
        AMQPValue::ShortInt(n) => Some(n.into()),
        AMQPValue::ShortUInt(n) => Some(n.into()),
        AMQPValue::LongInt(n) => Some(n.into()),
        AMQPValue::LongUInt(n) => Some(n.into()),
        AMQPValue::LongLongInt(n) => Some(n),
        _ => None,
    }
}

fn as_count(value: &AMQPValue) -> Option<u32> {
    as_number(value).map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
#[path = "headers_tests.rs"]
mod tests;
