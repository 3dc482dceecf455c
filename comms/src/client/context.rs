//! What of the context goes with a request: `x-request-id`, `traceparent`, `tracestate`, and the time that is left.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::context::Context;
use crate::http::timeout;
use crate::message::Id;

const CORRELATION: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// Writes the context, and how long the caller waits.
pub(super) fn write(context: &Context, left: Duration, headers: &mut HeaderMap) {
    match context.correlation() {
        Some(id) => id.with_text(|id| put(headers, CORRELATION, id)),
        None => Id::new().with_text(|id| put(headers, CORRELATION, id)),
    }
    context.next_trace().with_text(|trace| put(headers, TRACE_PARENT, trace));
    if let Some(state) = context.trace_state() {
        put(headers, TRACE_STATE, &state);
    }
    headers.insert(timeout::TIMEOUT, timeout::write(left));
}

/// What can't stand in a header (a foreign id may be any text) is left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// How long a call may take: as long as allowed, and no longer than somebody waits.
pub(super) fn left(context: &Context, allowed: Duration) -> Duration {
    let waited_for = context.deadline().map(|deadline| deadline.duration_since(Timestamp::now()));
    let waited_for = waited_for.map(|left| Duration::try_from(left).unwrap_or(Duration::ZERO));
    waited_for.map_or(allowed, |left| left.min(allowed))
}
