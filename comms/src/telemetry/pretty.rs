//! Lines for people.

use std::fmt;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::registry::LookupSpan;

/// The layer: one line for each event, with the spans around it and their fields.
pub(super) fn layer<S, W>(writer: W, colours: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().with_timer(Rfc3339).with_ansi(colours).with_writer(writer)
}

struct Rfc3339;

impl FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&now())
    }
}

/// The time in RFC 3339, UTC, with microseconds.
pub(super) fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::json::tests::Kept;
    use super::*;

    #[test]
    fn a_line_within_a_handler_shows_its_correlation() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(layer(move || writer.clone(), false));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("handle", correlation_id = %"c-1").in_scope(|| tracing::info!("charged"));
        });
        let text = kept.text();
        assert!(text.contains("handle{correlation_id=c-1}") && text.contains("charged"), "{text}");
        assert!(text.split_whitespace().next().unwrap().parse::<jiff::Timestamp>().is_ok(), "{text}");
    }
}
