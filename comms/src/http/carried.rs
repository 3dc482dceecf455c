//! The context of a request in its headers: `x-request-id`, `traceparent` and `tracestate`, in and out, of HTTP and of gRPC.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::timeout::TIMEOUT;
use crate::context::Context;
use crate::message::{Id, TraceParent};

/// The correlation id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");
/// [The Idempotency-Key header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The trace that the request belongs to, as one step further; a new one where it names none.
pub(crate) fn trace(headers: &HeaderMap) -> (TraceParent, Option<Arc<str>>) {
    match text(headers, &TRACE_PARENT).and_then(|text| text.trim().parse::<TraceParent>().ok()) {
        Some(parent) => (parent.child(), text(headers, &TRACE_STATE).map(Into::into)),
        None => (TraceParent::root(), None),
    }
}

/// By which the service knows a repetition of the request: a string of RFC 8941, or, since many write it so, the text itself.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let text = text(headers, &IDEMPOTENCY_KEY)?.trim();
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let key = quoted.map_or(Cow::Borrowed(text), unescaped);
    Some(key).filter(|key| !key.is_empty())
}

/// Without the `\` before `"` and `\`.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut escaped = false;
    let is_meant = |sign: &char| {
        escaped = *sign == '\\' && !escaped;
        !escaped
    };
    text.chars().filter(is_meant).collect::<String>().into()
}

/// What the header says, if it is a text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Writes the context; a conversation begins where there is none.
pub(crate) fn write(context: &Context, headers: &mut HeaderMap) {
    match context.correlation() {
        Some(id) => id.with_text(|id| put(headers, REQUEST_ID, id)),
        None => Id::new().with_text(|id| put(headers, REQUEST_ID, id)),
    }
    context.next_trace().with_text(|trace| put(headers, TRACE_PARENT, trace));
    if let Some(state) = context.trace_state() {
        put(headers, TRACE_STATE, &state);
    }
}

/// What can't stand in a header (a foreign id may be any text) is left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, once(value));
    }
}

/// Of the first request or answer of a connection of HTTP/2: the names are worth remembering. Later ones say them in a byte or two.
pub(crate) fn teach(headers: &mut HeaderMap) {
    for name in [REQUEST_ID, TRACE_PARENT, TIMEOUT] {
        if let Some(value) = headers.get_mut(name) {
            value.set_sensitive(false);
        }
    }
}

/// A value that differs with every call. HTTP/2 remembers what it sent, on both sides, to say it shorter the second time: "sensitive" is
/// how one says that this is not worth it.
pub(crate) fn once(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_quotes_and_without() {
        for (sent, key) in [
            ("\"order-7\"", Some("order-7")),
            ("order-7", Some("order-7")),
            (" \"a b\" ", Some("a b")),
            (r#""a\"b\\\\c""#, Some(r#"a"b\\c"#)),
            ("\"", Some("\"")),
            ("\"\"", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_static(sent))]);
            assert_eq!(idempotency_key(&headers).as_deref(), key, "{sent}");
        }
        assert_eq!(idempotency_key(&HeaderMap::new()), None);
    }

    #[test]
    fn the_first_request_of_a_connection_says_names_to_be_remembered() {
        let mut headers = HeaderMap::new();
        write(&Context::default(), &mut headers);
        assert!(headers.values().all(HeaderValue::is_sensitive) && headers.len() == 2, "{headers:?}");
        teach(&mut headers);
        assert!(!headers.values().any(HeaderValue::is_sensitive), "{headers:?}");
    }
}
