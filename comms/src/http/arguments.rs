//! The request, as a route takes it apart.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::IntoResponse as _;
use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::endpoint::Endpoint;
use super::{BodyStream, Parts, Place, Problem, body, text};

/// A request that is being taken apart. What a route's method takes comes out of it, argument after argument.
#[derive(Debug)]
pub struct Arguments {
    parts: Parts,
    body: Body,
    endpoint: Arc<Endpoint>,
    /// Where in the path the values of its parameters stand, in their order.
    path: Vec<Range<usize>>,
}

impl Arguments {
    pub(super) fn new(parts: Parts, body: Body, endpoint: Arc<Endpoint>, path: Vec<Range<usize>>) -> Self {
        Self { parts, body, endpoint, path }
    }

    /// Everything of the request but its body.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The parameter `{name}` of the path, percent-decoded.
    ///
    /// # Errors
    /// 400 when it is no `T`.
    pub fn path<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, Problem> {
        let at = self.endpoint.path_parameters().position(|parameter| parameter == name);
        let Some(range) = at.and_then(|at| self.path.get(at)) else {
            let cause = format!("the path `{}` has no parameter `{name}`", self.endpoint.decl.path);
            return Err(Problem::new(500).because(cause));
        };
        let raw = &self.parts.uri.path()[range.clone()];
        let text = percent_decode_str(raw).decode_utf8().map_err(|_| wrong(Place::Path, name, "it is no UTF-8"))?;
        text::read(&[text]).map_err(|invalid| wrong(Place::Path, name, invalid))
    }

    /// The parameter of the query. Absent is `None` for an `Option` and empty for a list, which takes a name given several times.
    ///
    /// # Errors
    /// 400 when it is no `T`.
    pub fn query<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, Problem> {
        let pairs = self.parts.uri.query().unwrap_or_default().split('&');
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let texts = pairs.filter(|(key, _)| decoded(key).is_some_and(|key| key == name)).map(|(_, value)| decoded(value));
        let texts: Option<Vec<Cow<'_, str>>> = texts.collect();
        let texts = texts.ok_or_else(|| wrong(Place::Query, name, "it is no UTF-8"))?;
        text::read(&texts).map_err(|invalid| wrong(Place::Query, name, invalid))
    }

    /// The header. Absent is `None` for an `Option` and empty for a list, whose elements stand between commas, in a header that may be given
    /// several times.
    ///
    /// # Errors
    /// 400 when it is no `T`.
    pub fn header<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, Problem> {
        let values = self.parts.headers.get_all(name).iter().map(|value| std::str::from_utf8(value.as_bytes()).map(Cow::Borrowed));
        let texts: Result<Vec<Cow<'_, str>>, _> = values.collect();
        let texts = texts.map_err(|_| wrong(Place::Header, name, "it is no UTF-8"))?;
        text::read_header(&texts).map_err(|invalid| wrong(Place::Header, name, invalid))
    }

    /// The body, JSON. An empty one is `null`: `None` for an `Option`.
    ///
    /// # Errors
    /// 400 when it is no JSON, 408 when it comes too slowly, 413 when it is too large, 415 when it is of another type, 422 when it
    /// is JSON and no `T`.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return serde_json::from_str("null").map_err(|_| Problem::new(400).detail("the body is empty: it should be JSON"));
        }
        self.check_json()?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let status = if error.is_data() { 422 } else { 400 };
            Problem::new(status).detail(format!("the body: {error}"))
        })
    }

    /// The whole body as it came, of any type.
    ///
    /// # Errors
    /// 400 when it breaks off, 408 when it comes too slowly, 413 when it is too large, 415 when it is compressed.
    pub async fn bytes(&mut self) -> Result<Bytes, Problem> {
        let body = self.take_body()?;
        body::read(body, self.endpoint.decl.body_limit, self.endpoint.read_timeout).await
    }

    /// The body piece by piece, as it comes, of any type.
    ///
    /// # Errors
    /// 415 when it is compressed.
    pub fn stream(&mut self) -> Result<BodyStream, Problem> {
        let body = self.take_body()?;
        Ok(BodyStream::new(body::pieces(body, self.endpoint.decl.body_limit, self.endpoint.read_timeout)))
    }

    /// Whether whoever takes them keeps them: a body that is a stream is read to its end then.
    pub(super) fn are_kept(&self) -> bool {
        self.endpoint.keeps_bodies
    }

    /// Nothing here unpacks what a client has packed: its size would not be known before.
    fn take_body(&mut self) -> Result<Body, Problem> {
        match self.parts.headers.get(CONTENT_ENCODING) {
            Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                let detail =
                    format!("the body has `content-encoding: {}`: send it without one", String::from_utf8_lossy(coding.as_bytes()));
                Err(Problem::new(415).detail(detail).header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
            }
            _ => Ok(std::mem::take(&mut self.body)),
        }
    }

    /// Refuses a body whose `content-type` is none of these.
    ///
    /// # Errors
    /// 415.
    pub fn check_media_type(&self, expected: &[&str]) -> Result<(), Problem> {
        let media = self.media_type();
        if expected.iter().any(|expected| media.eq_ignore_ascii_case(expected)) {
            return Ok(());
        }
        Err(Problem::new(415).detail(format!("the body should have `content-type: {}`; it has {}", expected.join("` or `"), found(media))))
    }

    /// Without its parameters, in whatever case it is; empty where there is none.
    fn media_type(&self) -> &str {
        let value = self.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    fn check_json(&self) -> Result<(), Problem> {
        let media = self.media_type();
        if is_json(media) {
            return Ok(());
        }
        Err(Problem::new(415).detail(format!("the body should be JSON, with `content-type: application/json`; it has {}", found(media))))
    }

    /// What an extractor of axum finds in the request: anything that implements `FromRequestParts`.
    ///
    /// # Errors
    /// What the extractor refuses with: its status and headers, its text as the detail.
    pub async fn extract<E: FromRequestParts<()>>(&mut self) -> Result<E, Problem> {
        match E::from_request_parts(&mut self.parts, &()).await {
            Ok(value) => Ok(value),
            Err(rejection) => Err(body::rejection(rejection.into_response()).await),
        }
    }
}

fn is_json(media: &str) -> bool {
    media.eq_ignore_ascii_case("application/json") || {
        let media = media.to_ascii_lowercase();
        media.starts_with("application/") && media.ends_with("+json")
    }
}

/// What a body has for a content type, for people.
fn found(media: &str) -> String {
    if media.is_empty() { "no content-type".to_owned() } else { format!("`content-type: {}`", media.to_ascii_lowercase()) }
}

/// As a form writes it; `None` when it is no UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()))
}

fn wrong(place: Place, name: &str, why: impl std::fmt::Display) -> Problem {
    Problem::new(400).detail(format!("the {place} parameter `{name}`: {why}")).with("parameter", name).with("in", place.to_string())
}
