//! What went wrong, as a client is told: `application/problem+json`, RFC 9457.

use std::borrow::Cow;
use std::fmt;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::Advice;

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An answer that says what went wrong, [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).
///
/// ```
/// use comms::http::Problem;
/// let problem = Problem::new(409).code("out-of-stock").detail("there are 2 left").with("available", 2);
/// assert_eq!(
///     serde_json::to_value(&problem).unwrap(),
///     serde_json::json!({
///         "type": "about:blank", "title": "Conflict", "status": 409, "detail": "there are 2 left",
///         "code": "out-of-stock", "available": 2
///     })
/// );
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Fields>);

/// Boxed: a result that carries a problem stays small.
#[derive(Clone, PartialEq, Serialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'static, str>>,
    #[serde(flatten)]
    extensions: Map<String, Value>,
    /// Sent beside it.
    #[serde(skip)]
    headers: HeaderMap,
    /// For the log, never for the client.
    #[serde(skip)]
    cause: Option<String>,
    /// Of one that a client got.
    #[serde(skip)]
    advice: Option<Advice>,
}

/// Why an answer is a problem, for whoever holds the answer in this process. It is not sent.
#[derive(Clone, Debug)]
pub(crate) struct Cause(#[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only fakes tell it"))] pub(crate) String);

const ABOUT_BLANK: Cow<'static, str> = Cow::Borrowed("about:blank");

/// Of a problem that was read and states none.
const UNKNOWN_STATUS: u16 = 500;

/// A member of the wrong type is ignored, as [section 3.1](https://www.rfc-editor.org/rfc/rfc9457#section-3.1) wants it.
impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let mut text = |name| match members.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (kind, title, detail, instance, code) = (text("type"), text("title"), text("detail"), text("instance"), text("code"));
        let status = members.remove("status").and_then(|status| u16::try_from(status.as_u64()?).ok());
        Ok(Self(Box::new(Fields {
            kind: kind.map_or(ABOUT_BLANK, Cow::Owned),
            title: title.unwrap_or_default().into(),
            status: status.unwrap_or(UNKNOWN_STATUS),
            detail,
            instance,
            code: code.map(Cow::Owned),
            extensions: members,
            headers: HeaderMap::new(),
            cause: None,
            advice: None,
        })))
    }
}

impl Problem {
    /// A problem with the status and its usual title.
    ///
    /// # Panics
    /// When it is no status of an error, 400 to 599.
    #[must_use]
    #[track_caller]
    pub fn new(status: u16) -> Self {
        assert!((400..600).contains(&status), "a problem has the status of an error, 400 to 599, and not {status}");
        Self::of_status(status)
    }

    pub(crate) fn of_status(status: u16) -> Self {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
        Self(Box::new(Fields {
            kind: ABOUT_BLANK,
            title: title.into(),
            status,
            detail: None,
            instance: None,
            code: None,
            extensions: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
            advice: None,
        }))
    }

    /// The same with the status of the answer that it came in, which counts; what it says itself is only repeated there.
    pub(crate) fn at_status(mut self, status: u16) -> Self {
        if self.0.title.is_empty() {
            self.0.title = Self::of_status(status).0.title;
        }
        self.0.status = status;
        self
    }

    /// Of this type, a URI that identifies the kind of problem; `about:blank` unless said otherwise.
    #[must_use]
    pub fn of_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.kind = uri.into();
        self
    }

    /// With this title, the same for every problem of its type.
    #[must_use]
    pub fn titled(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.0.title = title.into();
        self
    }

    /// With this explanation of the very occurrence, for a person. The client sees it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// With a URI that identifies the very occurrence.
    #[must_use]
    pub fn instance(mut self, uri: impl Into<String>) -> Self {
        self.0.instance = Some(uri.into());
        self
    }

    /// With a stable code, which programs can tell cases apart by: the member `code`.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// With a member of your own. The members of the standard, and `code`, have methods of their own and are left alone.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if !["type", "title", "status", "detail", "instance", "code"].contains(&name.as_str()) {
            self.0.extensions.insert(name, value.into());
        }
        self
    }

    /// With a header beside it: `retry-after`, `www-authenticate`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// With what the log shall say of it; the client never sees this.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The type, a URI.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The explanation, if there is one.
    #[must_use]
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The URI of the very occurrence, if there is one.
    #[must_use]
    pub fn instance_uri(&self) -> Option<&str> {
        self.0.instance.as_deref()
    }

    /// The stable code, if there is one.
    #[must_use]
    pub fn code_text(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// A further member.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Value> {
        self.0.extensions.get(name)
    }

    /// With what whoever fails for it is advised to do.
    pub(crate) fn advised(mut self, advice: Advice) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// What whoever fails for it is advised to do.
    pub(crate) fn advice(&self) -> Option<&Advice> {
        self.0.advice.as_ref()
    }

    /// What is sent beside it; of one that a client got, its `retry-after`.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// What the log is told.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status, self.0.title)?;
        self.0.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        self.0.cause.iter().try_for_each(|cause| write!(f, " (because {cause})"))
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.advice().map(|advice| advice as _)
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let headers = std::mem::take(&mut self.0.headers);
        // Text and numbers under texts: there is nothing in it that JSON can't say.
        let mut response = Response::new(Body::from(serde_json::to_vec(&self).unwrap_or_default()));
        *response.status_mut() = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        if let Some(cause) = self.0.cause.take() {
            response.extensions_mut().insert(Cause(cause));
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

#[cfg(test)]
mod tests;
