//! Lines for people.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::context::Context;

/// The layer: one line for each event, with the spans around it, and what is known of the message that is being handled.
pub(super) fn layer<S, W>(writer: W, colours: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(writer).event_format(Line)
}

/// `time LEVEL span{fields}: target: message fields | what is known`.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let colour = Colours { on: writer.has_ansi_escapes() };
        let time = now();
        write!(writer, "{} {:>5} ", colour.paint(DIM, &time), colour.paint(of_level(*metadata.level()), metadata.level().as_str()))?;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            write!(writer, "{}", span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                write!(writer, "{{{fields}}}")?;
            }
            write!(writer, ": ")?;
        }
        write!(writer, "{}: ", colour.paint(DIM, metadata.target()))?;
        context.format_fields(writer.by_ref(), event)?;
        let mut known = String::new();
        Context::describe_current(|name, value| known.push_str(&format!(" {name}={value}")));
        if !known.is_empty() {
            write!(writer, "{}", colour.paint(DIM, &format!(" |{known}")))?;
        }
        writeln!(writer)
    }
}

/// The SGR parameters of ECMA-48.
const DIM: u8 = 2;

fn of_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

struct Colours {
    on: bool,
}

impl Colours {
    fn paint(&self, parameter: u8, text: &str) -> String {
        if self.on { format!("\x1b[{parameter}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The time in RFC 3339, UTC, with microseconds.
pub(super) fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::json::tests::{Kept, handling};
    use super::*;

    fn logged(colours: bool, work: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(layer(move || writer.clone(), colours));
        tracing::subscriber::with_default(subscriber, work);
        kept.text()
    }

    #[test]
    fn a_line_shows_the_spans_around_it() {
        let text = logged(false, || tracing::info_span!("batch", number = 3).in_scope(|| tracing::info!(total = 2, "charged")));
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{text}");
        assert_eq!(rest, concat!(" INFO batch{number=3}: ", module_path!(), ": charged total=2\n"));
    }

    #[test]
    fn a_line_within_a_handler_shows_its_correlation() {
        let text = logged(false, || handling().enter(|| tracing::warn!("charged")));
        assert!(text.contains(": charged | correlation_id=c-1 trace_id=0af7651916cd43dd8448eb211c80319c "), "{text}");
        assert!(text.ends_with(" comms.service=billing comms.handler=on_placed\n"), "{text}");
    }

    #[test]
    fn colours_are_for_terminals() {
        assert!(logged(true, || tracing::error!("x")).contains("\x1b[31mERROR\x1b[0m"));
        assert!(!logged(false, || tracing::error!("x")).contains('\x1b'));
    }
}
