//! The context of a call in its headers: `x-request-id`, `traceparent`, `tracestate`, `grpc-timeout`.

use std::time::Duration;

use hyper::http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use tonic::metadata::MetadataMap;

use super::GrpcError;
use crate::context::Context;
use crate::http::carried::{self, REQUEST_ID};
use crate::http::timeout::{self, TIMEOUT};
use crate::message::Id;

/// Longer ones are nobody's ids.
const LONGEST_CORRELATION: usize = 256;

/// The context in which a call is answered; a conversation and a trace begin where the caller names none.
pub(super) fn context(headers: &HeaderMap) -> Context {
    let correlation = carried::text(headers, &REQUEST_ID).filter(|text| !text.is_empty() && text.len() <= LONGEST_CORRELATION);
    let (trace, state) = carried::trace(headers);
    Context::default().with_correlation(correlation.map_or_else(Id::new, Id::parse)).with_trace(trace).with_trace_state(state)
}

/// The same context with the deadline that long from now.
pub(super) fn within(context: Context, timeout: Option<Duration>) -> Context {
    match timeout.and_then(after) {
        Some(deadline) => context.with_deadline(deadline),
        None => context,
    }
}

/// A time too far away to be told is none.
fn after(timeout: Duration) -> Option<Timestamp> {
    Timestamp::now().checked_add(SignedDuration::try_from(timeout).ok()?).ok()
}

/// How long the caller waits, if it says so.
pub(super) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, GrpcError> {
    let Some(value) = headers.get(TIMEOUT) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(timeout::parse);
    parsed.map(Some).ok_or_else(|| {
        let message = format!("the header {TIMEOUT} is {value:?}; expected one to eight digits and one of H, M, S, m, u, n");
        GrpcError::new(tonic::Code::InvalidArgument, message)
    })
}

/// The correlation of the context as a header of the answer.
pub(super) fn echo(context: &Context, headers: &mut HeaderMap) {
    let id = context.correlation().and_then(|id| id.with_text(|id| HeaderValue::from_str(id).ok()));
    headers.extend(id.map(|id| (REQUEST_ID, carried::once(id))));
}

/// Writes the context into the headers of a call; the deadline is written as the time that is left.
pub(super) fn write(context: &Context, headers: &mut MetadataMap) {
    carried::write(context, headers.as_mut());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TraceParent;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, hyper::http::HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn timeouts_of_every_unit_are_read() {
        for (text, expected) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("4S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6u", Duration::from_micros(6)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(timeout(&headers("grpc-timeout", text)).unwrap(), Some(expected), "{text}");
        }
        assert_eq!(timeout(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn a_malformed_timeout_is_refused() {
        for text in ["", "S", "5", "5x", "-5S", "+5S", "999999999S", "1.5S", " 5S"] {
            assert!(timeout(&headers("grpc-timeout", text)).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let context = Context::default().with_correlation(Id::parse("order/17")).with_trace(TraceParent::root());
        let mut metadata = MetadataMap::new();
        write(&context, &mut metadata);
        for name in ["x-request-id", "traceparent"] {
            assert!(metadata.get(name).unwrap().is_sensitive(), "{name} is for one call only");
        }
        let read = within(self::context(&metadata.into_headers()), Some(Duration::from_secs(5)));
        assert_eq!(read.correlation(), context.correlation());
        assert_eq!(read.trace().unwrap().trace_id(), context.trace().unwrap().trace_id());
        assert_ne!(read.trace().unwrap().span_id(), context.trace().unwrap().span_id());
        assert!(read.deadline().is_some_and(|deadline| deadline > Timestamp::now()));
    }

    #[test]
    fn a_deadline_too_far_to_be_told_is_none() {
        assert_eq!(within(Context::default(), Some(Duration::from_secs(99_999_999 * 3600))).deadline(), None);
    }

    #[test]
    fn a_correlation_that_is_nobodys_id_is_not_taken_over() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            context(&headers).correlation().unwrap().to_string()
        };
        let longest = "x".repeat(LONGEST_CORRELATION);
        assert_eq!(of(&longest), longest);
        assert_ne!(of(&format!("{longest}x")), format!("{longest}x"));
        assert!(!of("").is_empty());
    }

    #[test]
    fn where_nothing_is_said_a_conversation_begins() {
        let context = context(&headers("traceparent", "nonsense"));
        assert!(context.correlation().is_some() && context.trace().is_some());
    }
}
