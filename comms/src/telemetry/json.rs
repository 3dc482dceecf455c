//! One JSON object a line: time, level, target, the fields of the event, of every span around it and of the message
//! that is being handled, flat.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer that writes events as JSON lines.
///
/// A field of a span hides that of the message that is being handled, a field of an inner span that of an outer one, a
/// field of the event all of them; the names `timestamp`, `level`, `target` and
/// `span` are this layer's own.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
}

/// The fields of a span, kept with it.
struct Fields(Map<String, Value>);

impl<W> JsonLines<W> {
    /// Lines go where `writer` says.
    pub fn new(writer: W) -> Self {
        Self { writer }
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Map::new();
        attributes.record(&mut Collect(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(Fields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Fields(fields)) = span.extensions_mut().get_mut() {
            values.record(&mut Collect(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        crate::context::Context::describe_current(|name, value| drop(line.insert(name.to_owned(), value.to_string().into())));
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Fields(fields)) = span.extensions().get() {
                line.extend(fields.clone());
            }
            line.insert("span".to_owned(), span.name().into());
        }
        event.record(&mut Collect(&mut line));
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), super::pretty::now().into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        self.write(&line, metadata);
    }
}

impl<W: for<'a> MakeWriter<'a>> JsonLines<W> {
    /// One write for one line, so that lines of several threads do not mix.
    fn write(&self, line: &Map<String, Value>, metadata: &tracing::Metadata<'_>) {
        let Ok(mut bytes) = serde_json::to_vec(line) else { return };
        bytes.push(b'\n');
        // There is no place to report that the log can't be written.
        let _ = self.writer.make_writer_for(metadata).write_all(&bytes);
    }
}

struct Collect<'a>(&'a mut Map<String, Value>);

impl Collect<'_> {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.insert(field, crate::error::chain_text(value).join(": "));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// A writer that keeps what is written.
    #[derive(Clone, Default)]
    pub(in crate::telemetry) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(in crate::telemetry) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_within_a_handler_carries_the_fields_of_its_span() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!(
                "handle",
                messaging.system = "memory",
                correlation_id = %"c-1",
                trace_id = tracing::field::Empty,
                comms.attempt = 1_u32
            );
            span.record("trace_id", "0af7651916cd43dd8448eb211c80319c");
            let _entered = span.enter();
            tracing::info_span!("inner", comms.attempt = 2_u32).in_scope(|| tracing::warn!(total = 12.5, "charged \"twice\""));
        });
        let line: Map<String, Value> = serde_json::from_str(&kept.text()).unwrap();
        assert_eq!(line["message"], "charged \"twice\"");
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["span"], "inner");
        assert_eq!(line["correlation_id"], "c-1");
        assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(line["messaging.system"], "memory");
        assert_eq!(line["comms.attempt"], 2);
        assert_eq!(line["total"], 12.5);
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    }

    #[test]
    fn a_line_within_a_handler_carries_the_ids_of_its_message() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone()));
        let mut context = handling();
        tracing::subscriber::with_default(subscriber, || context.enter(|| tracing::info!("charged")));
        let line: Map<String, Value> = serde_json::from_str(&kept.text()).unwrap();
        assert_eq!(line["correlation_id"], "c-1");
        assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(line["messaging.message.id"], context.message().unwrap().metadata.id.to_string());
        assert_eq!(line["messaging.destination.name"], "orders");
        assert_eq!((&line["comms.service"], &line["comms.handler"]), (&"billing".into(), &"on_placed".into()));
    }

    /// A context as a handler has it.
    pub(in crate::telemetry) fn handling() -> crate::context::Context {
        let mut metadata = crate::message::Metadata::new("orders.placed", "orders".into());
        metadata.correlation = Some(crate::message::Id::parse("c-1"));
        metadata.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().ok();
        let envelope = crate::message::Envelope::new("orders".into(), metadata, "".into());
        crate::context::Context::of(Arc::new(envelope)).of_handler("billing", "on_placed")
    }

    #[test]
    fn a_line_outside_of_any_span_is_written_too() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("one");
            tracing::info!("two");
        });
        assert_eq!(kept.text().lines().count(), 2);
    }
}
