//! CloudEvents attributes as pairs of text, which each protocol binding puts in its own headers.
//!
//! One table of names serves AMQP (`cloudEvents:id`), Kafka (`ce_id`), HTTP (`ce-id`) and Redis: a
//! binding adds and strips its prefix, and carries `datacontenttype` where its protocol has a place
//! of its own for it.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use super::codec::{JSON, PROTOBUF};
use super::{Id, Metadata};

/// The version of the specification that is written.
pub const SPEC_VERSION: &str = "1.0";

/// Calls `put` with the name and value of every attribute that is set, `datacontenttype` excepted:
/// each protocol has a header of its own for that.
pub fn write(metadata: &Metadata, mut put: impl FnMut(&str, Cow<'_, str>)) {
    put("specversion", SPEC_VERSION.into());
    metadata.id.with_text(|id| put("id", id.into()));
    put("type", Cow::Borrowed(&metadata.name));
    put("source", Cow::Borrowed(&metadata.source));
    put("typeversion", number(metadata.version));
    if let Some(time) = metadata.time {
        put("time", rfc3339(time).into());
    }
    for (name, id) in [("correlationid", &metadata.correlation), ("causationid", &metadata.causation)] {
        if let Some(id) = id {
            id.with_text(|id| put(name, id.into()));
        }
    }
    if let Some(key) = &metadata.key {
        put("partitionkey", Cow::Borrowed(key));
    }
    if let Some(deadline) = metadata.deadline {
        put("deadline", rfc3339(deadline).into());
    }
    if let Some(trace) = metadata.trace {
        trace.with_text(|trace| put("traceparent", trace.into()));
    }
    if let Some(state) = &metadata.trace_state {
        put("tracestate", Cow::Borrowed(state));
    }
    if metadata.attempt > 0 {
        put("attempt", number(metadata.attempt));
    }
    for (name, value) in &metadata.extensions {
        put(name, Cow::Borrowed(value));
    }
}

fn number(number: u32) -> Cow<'static, str> {
    // Nearly every version.
    if number == 1 { Cow::Borrowed("1") } else { number.to_string().into() }
}

fn rfc3339(time: Timestamp) -> String {
    static PRINTER: DateTimePrinter = DateTimePrinter::new();
    PRINTER.timestamp_to_string(&time)
}

/// The text of an attribute; what is no UTF-8 in it is replaced.
#[cfg(any(feature = "kafka", feature = "rabbitmq", feature = "redis"))]
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Many times as fast, for what nearly every text is.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// A content type that was read; those of nearly every message take no memory.
pub(crate) fn content_type(text: &str) -> Cow<'static, str> {
    match text {
        JSON => Cow::Borrowed(JSON),
        PROTOBUF => Cow::Borrowed(PROTOBUF),
        other => Cow::Owned(other.to_owned()),
    }
}

/// Sets the attribute `name`, given without a protocol's prefix, from its text.
///
/// A known attribute whose text can't be read is kept among the extensions: a foreign producer's
/// slip in an optional attribute must not cost the message.
pub fn read(metadata: &mut Metadata, name: &str, value: &str) {
    if !read_known(metadata, name, value) {
        metadata.extensions.insert(name.to_owned(), value.to_owned());
    }
}

fn read_known(metadata: &mut Metadata, name: &str, value: &str) -> bool {
    match name {
        "specversion" => true,
        "id" => set(&mut metadata.id, Some(Id::parse(value))),
        "type" => set(&mut metadata.name, Some(Cow::Owned(value.to_owned()))),
        "source" => set(&mut metadata.source, Some(value.into())),
        "typeversion" => set(&mut metadata.version, value.parse().ok()),
        "datacontenttype" => set(&mut metadata.content_type, Some(Some(content_type(value)))),
        "time" => set(&mut metadata.time, value.parse().ok().map(Some)),
        "correlationid" => set(&mut metadata.correlation, Some(Some(Id::parse(value)))),
        "causationid" => set(&mut metadata.causation, Some(Some(Id::parse(value)))),
        "partitionkey" => set(&mut metadata.key, Some(Some(value.into()))),
        "deadline" => set(&mut metadata.deadline, value.parse().ok().map(Some)),
        "traceparent" => set(&mut metadata.trace, value.parse().ok().map(Some)),
        "tracestate" => set(&mut metadata.trace_state, Some(Some(value.into()))),
        "attempt" => set(&mut metadata.attempt, value.parse().ok()),
        _ => false,
    }
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TraceParent;

    fn full() -> Metadata {
        let mut metadata = Metadata::new("orders.order-placed", "orders".into());
        metadata.version = 3;
        metadata.correlation = Some(Id::new());
        metadata.causation = Some(Id::parse("foreign"));
        metadata.key = Some("o-1".into());
        metadata.deadline = metadata.time;
        metadata.trace = Some(TraceParent::root());
        metadata.trace_state = Some("vendor=1".into());
        metadata.attempt = 2;
        metadata.extensions.insert("tenant".into(), "blue".into());
        metadata
    }

    #[test]
    fn every_attribute_survives_the_wire() {
        let written = full();
        let mut read_back = Metadata::foreign(Id::parse("replaced"));
        write(&written, |name, value| read(&mut read_back, name, &value));
        assert_eq!(read_back, written);
    }

    #[test]
    fn an_attribute_that_cannot_be_read_is_kept_as_text() {
        let mut metadata = Metadata::foreign(Id::new());
        read(&mut metadata, "time", "yesterday");
        assert_eq!(metadata.time, None);
        assert_eq!(metadata.extensions["time"], "yesterday");
    }
}
