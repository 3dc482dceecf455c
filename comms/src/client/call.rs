//! One call over HTTP: put together, sent, and read.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum_core::body::Body;
use hyper::body::Body as _;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::answer::{self, Answer};
use super::failure::{CallError, Failed, Lost, Target};
use super::settings::PATIENCE;
use super::{CallInfo, HttpCaller, context, path, text};
use crate::context::Context;
use crate::http::{Place, RouteDecl, Verb};
use crate::message::Id;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Problems are JSON too, of a type of their own.
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, application/problem+json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("comms/", env!("CARGO_PKG_VERSION")));
/// [The Idempotency-Key header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A call that is being put together. What can't be written is kept and comes out of [`send`](Self::send).
#[must_use = "nothing is sent until `send`"]
pub struct Call<'a> {
    caller: &'a HttpCaller,
    target: Target,
    timeout: Duration,
    status: u16,
    path: Vec<(&'static str, String)>,
    query: String,
    headers: HeaderMap,
    body: Body,
    foreign: bool,
    idempotent: bool,
    wrong: Vec<String>,
}

impl<'a> Call<'a> {
    pub(super) fn new(caller: &'a HttpCaller, route: &RouteDecl) -> Self {
        let target =
            Target { client: caller.settings.name, method: route.name, verb: route.verb, path: route.path, address: String::new() };
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, ACCEPTED);
        headers.insert(USER_AGENT, AGENT);
        Self {
            caller,
            target,
            timeout: caller.settings.timeout.unwrap_or(if route.timeout.is_zero() { PATIENCE } else { route.timeout }),
            status: route.status,
            path: Vec::new(),
            query: String::new(),
            headers,
            body: Body::empty(),
            foreign: false,
            idempotent: route.is_idempotent(),
            wrong: Vec::new(),
        }
    }

    /// The parameter `{name}` of the path.
    pub fn path<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> &mut Self {
        let texts = self.texts(Place::Path, name, value);
        match <[String; 1]>::try_from(texts) {
            Ok([text]) => self.path.push((name, text)),
            Err(texts) => self.refuse(Place::Path, name, format_args!("it has one value, and {} were given", texts.len())),
        }
        self
    }

    /// The parameter of the query: left out for a `None`, repeated for a list.
    pub fn query<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> &mut Self {
        for text in self.texts(Place::Query, name, value) {
            path::add_to_query(&mut self.query, name, &text);
        }
        self
    }

    /// The header: left out for a `None`, repeated for a list.
    pub fn header<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> &mut Self {
        for text in self.texts(Place::Header, name, value) {
            match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(text.as_bytes())) {
                (Ok(name), Ok(value)) => drop(self.headers.append(name, value)),
                (Err(_), _) => self.refuse(Place::Header, name, "no header can have this name"),
                (_, Err(_)) => self.refuse(Place::Header, name, "its value has a line end or another sign that no header can have"),
            }
        }
        self
    }

    /// The body, as JSON.
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        match serde_json::to_vec(value) {
            Ok(text) => drop(self.body(JSON, text)),
            Err(error) => self.wrong.push(format!("the body can't be written as JSON: {error}")),
        }
        self
    }

    /// The body, of this content type.
    pub fn body(&mut self, content_type: HeaderValue, body: impl Into<Body>) -> &mut Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// With a key by which the service knows a repetition of the call; a new one if none is given.
    pub fn idempotency_key(&mut self, key: Option<&str>) -> &mut Self {
        let key = key.map_or_else(|| Cow::Owned(Id::new().to_string()), Cow::Borrowed);
        // A string of RFC 8941, as the draft wants it.
        let is_plain = key.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
        match HeaderValue::from_str(&format!("\"{key}\"")) {
            Ok(value) if is_plain && !key.is_empty() => drop(self.headers.insert(IDEMPOTENCY_KEY, value)),
            _ => self.wrong.push(format!("the idempotency key {key:?} should have printable ASCII signs only, without `\"` and `\\`")),
        }
        self
    }

    /// The service is not one of ours: where a problem has no member `error`, the whole body of an error is read as the
    /// error type.
    pub fn foreign(&mut self) -> &mut Self {
        self.foreign = true;
        self
    }

    /// This call may take so long, whatever the client and the method say; an earlier deadline of the context holds.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = timeout;
        self
    }

    /// Sends it, and reads the answer: a `T` out of its JSON, `()` out of an empty one; an `E` out of the member `error` of
    /// a problem.
    ///
    /// Dropping it ends the work on it at the server.
    ///
    /// # Errors
    /// [`CallError`], which says what became of the call.
    pub async fn send<T: DeserializeOwned, E: DeserializeOwned>(self) -> Result<T, CallError<E>> {
        let foreign = self.foreign;
        match self.exchange().await {
            Ok(answer) if answer.is_success() => answer.value(),
            Ok(answer) => Err(answer.error(foreign)),
            Err(failed) => Err(failed.into_call_error()),
        }
    }

    async fn exchange(mut self) -> Result<Answer<'a>, Failed> {
        let context = Context::current();
        let left = context::left(&context, self.timeout);
        if left.is_zero() {
            return Err(Failed::Deadline(self.target, Duration::ZERO));
        }
        context::write(&context, left, &mut self.headers);
        let (HttpCaller { channel, settings }, status) = (self.caller, self.status);
        let idempotent = self.idempotent;
        let (target, mut request) = self.into_request()?;
        if channel.is_layered() {
            let info = info(&target, idempotent, &request);
            request.extensions_mut().insert(info);
        }
        let answering = async {
            let response = channel.send(request).await.map_err(Lost::Transport)?;
            answer::read(response, status, settings).await
        };
        match timeout(left, answering).await {
            Ok(Ok(answered)) => Ok(Answer::new(answered, target, channel)),
            Ok(Err(lost)) => Err(Failed::Lost(target.at(channel), lost)),
            Err(_elapsed) => Err(Failed::Deadline(target.at(channel), left)),
        }
    }

    fn into_request(mut self) -> Result<(Target, Request<Body>), Failed> {
        let mut uri = path::fill(self.target.path, &self.path).unwrap_or_else(|reason| {
            self.wrong.push(reason);
            String::new()
        });
        uri.push_str(&self.query);
        let uri: Uri = uri.parse().unwrap_or_else(|error| {
            self.wrong.push(format!("`{uri}` can't be the path of a request: {error}"));
            Uri::default()
        });
        if !self.wrong.is_empty() {
            return Err(Failed::Request(self.target, self.wrong));
        }
        let mut request = Request::new(self.body);
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method(self.target.verb), uri, self.headers);
        Ok((self.target, request))
    }

    fn texts<T: Serialize + ?Sized>(&mut self, place: Place, name: &str, value: &T) -> Vec<String> {
        text::write(value).unwrap_or_else(|error| {
            self.refuse(place, name, error);
            Vec::new()
        })
    }

    fn refuse(&mut self, place: Place, name: &str, why: impl std::fmt::Display) {
        self.wrong.push(format!("the {place} parameter `{name}`: {why}"));
    }
}

/// Values may be secrets: only their names are shown.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().map(|(name, _)| *name).collect();
        let query = self.query.split(['?', '&']).skip(1).filter_map(|pair| pair.split('=').next());
        f.debug_struct("Call")
            .field("target", &self.target)
            .field("timeout", &self.timeout)
            .field("path", &path)
            .field("query", &query.collect::<Vec<_>>())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What layers are told of the call.
fn info(target: &Target, idempotent: bool, request: &Request<Body>) -> CallInfo {
    let idempotency_key = request.headers().contains_key(IDEMPOTENCY_KEY);
    let whole = request.body().size_hint().exact().is_some();
    CallInfo { idempotent, idempotency_key, whole, ..CallInfo::new(target.client, target.method) }
}

fn method(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    }
}
