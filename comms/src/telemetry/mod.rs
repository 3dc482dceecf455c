//! Logs: what `tracing` reports, as lines on standard error, JSON or for people. Export comes later.
//!
//! Every line that is written while a message is handled carries its `correlation_id` and `trace_id`, and the names of
//! service and handler, from the [`Context`](crate::Context). For other subscribers there is a span of each message under
//! the target `comms::process`, at level debug: making it costs more than all the rest of the pipeline.

mod json;
mod pretty;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::{LogConfig, LogFormat};

pub use json::JsonLines;

/// Whether logging was set up by this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Installed {
    /// It was.
    Now,
    /// Something else had set a subscriber up before; it stays.
    Before,
}

/// Sets logging up for the process. Where a subscriber is set already, that one stays.
///
/// # Errors
/// When the filter can't be read; the configuration's own check says so earlier.
pub fn init(log: &LogConfig) -> Result<Installed, String> {
    let filter = parse_filter(&log.filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    let result = if is_json(log.format, std::io::stderr().is_terminal()) {
        tracing::subscriber::set_global_default(registry.with(JsonLines::new(std::io::stderr)))
    } else {
        tracing::subscriber::set_global_default(registry.with(pretty::layer(std::io::stderr, std::io::stderr().is_terminal())))
    };
    Ok(result.map_or(Installed::Before, |()| Installed::Now))
}

/// Whether the text is a filter.
///
/// # Errors
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    parse_filter(filter).map(drop)
}

/// What the AMQP client says of a message that no queue took, with its whole payload. The receipt says it already, and
/// payloads do not belong in logs; a filter that names the target gets it.
const RETURNED: &str = "lapin::returned_messages";

fn parse_filter(filter: &str) -> Result<EnvFilter, String> {
    let hidden = if filter.contains(RETURNED) { None } else { Some(format!("{RETURNED}=off")) };
    let directives: Vec<&str> = [Some(filter), hidden.as_deref()].into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
    EnvFilter::builder().parse(directives.join(",")).map_err(|error| {
        format!("`{filter}` is not a filter: {error}; expected a level (error, warn, info, debug, trace) or directives as in `info,billing=debug`")
    })
}

fn is_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !terminal,
        LogFormat::Pretty => false,
        LogFormat::Json => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_for_people_on_a_terminal_only() {
        assert!(is_json(LogFormat::Auto, false));
        assert!(!is_json(LogFormat::Auto, true));
        assert!(is_json(LogFormat::Json, true));
        assert!(!is_json(LogFormat::Pretty, false));
    }

    #[test]
    fn filters_are_checked() {
        assert_eq!(check_filter("info,billing=debug,comms::handler=trace"), Ok(()));
        assert!(check_filter("info,=").unwrap_err().contains("expected a level"));
    }

    #[test]
    fn a_second_set_up_changes_nothing_and_fails_nothing() {
        let log = LogConfig { format: LogFormat::Json, filter: "off".to_owned() };
        init(&log).unwrap();
        assert_eq!(init(&log), Ok(Installed::Before));
    }
}
