//! One call over HTTP: put together, sent, and read.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum_core::body::Body;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::exchange::Failing;
use super::failure::Target;
use super::settings::PATIENCE;
use super::{HttpCaller, IntoBody, path, text};
use crate::http::carried::IDEMPOTENCY_KEY;
use crate::http::{BodyStream, Place, Problem, RouteDecl};
use crate::message::Id;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A call that is being put together. What can't be written is kept and comes out of [`send`](Self::send).
#[must_use = "nothing is sent until `send`"]
pub struct Call<'a> {
    pub(super) caller: &'a HttpCaller,
    pub(super) target: Target,
    pub(super) timeout: Duration,
    pub(super) status: u16,
    pub(super) path: Vec<(&'static str, String)>,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Set with a body that may break off.
    pub(super) failing: Option<Failing>,
    pub(super) foreign: bool,
    pub(super) idempotent: bool,
    pub(super) wrong: Vec<String>,
}

impl<'a> Call<'a> {
    pub(super) fn new(caller: &'a HttpCaller, route: &RouteDecl) -> Self {
        let target =
            Target { client: caller.settings.name, method: route.name, verb: route.verb, path: route.path, address: String::new() };
        Self {
            caller,
            target,
            timeout: caller.settings.timeout.unwrap_or(if route.timeout.is_zero() { PATIENCE } else { route.timeout }),
            status: route.status,
            path: Vec::new(),
            query: String::new(),
            headers: HeaderMap::with_capacity(8),
            body: Body::empty(),
            failing: None,
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

    /// The header: left out for a `None`, repeated for a list. `accept` and `user-agent` take the place of those that would be sent anyway.
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

    /// The body, as the type says.
    pub fn put<B: IntoBody>(&mut self, body: B) -> &mut Self {
        if let Err(error) = body.into_body(self) {
            self.wrong.push(format!("the body can't be sent: {error}"));
        }
        self
    }

    /// The body, of this content type, sent as it comes. Where it breaks off, the call fails with that.
    pub fn stream(&mut self, content_type: HeaderValue, body: BodyStream) -> &mut Self {
        let failing = Failing::default();
        self.failing = Some(Failing::clone(&failing));
        self.body(content_type, body.into_body(move |problem| drop(failing.set(own_end(problem)))))
    }

    /// The body, of this content type.
    pub fn body(&mut self, content_type: HeaderValue, body: impl Into<Body>) -> &mut Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// With a key by which the service knows a repetition of the call: this one, else the one that the caller
    /// [was given](HttpCaller::with_idempotency_key), else a new one.
    pub fn idempotency_key(&mut self, key: Option<&str>) -> &mut Self {
        let key = key.or(self.caller.key.as_deref()).map_or_else(|| Cow::Owned(Id::new().to_string()), Cow::Borrowed);
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

/// Why the body of the call itself broke off, for the caller, who may know all of it.
fn own_end(problem: &Problem) -> String {
    let why = problem.cause().or_else(|| problem.detail_text()).map_or_else(|| problem.to_string(), str::to_owned);
    format!("its body could not be sent to the end: {why}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Channel, Settings};
    use crate::config::ClientConfig;
    use crate::http::{Location, Verb};

    const ECHO: RouteDecl = RouteDecl::new(Verb::Post, "/echo", "echo", Location::new("bank.rs", 1));

    fn timeout(config: &ClientConfig, route: &RouteDecl) -> u64 {
        let caller = HttpCaller::new(Channel::of("bank", config).expect("an address"), Settings::of("bank", config));
        caller.begin(route).timeout.as_secs()
    }

    #[tokio::test]
    async fn a_call_may_take_as_long_as_the_client_says_or_else_the_method() {
        let mut config = ClientConfig::at("http://127.0.0.1:1");
        assert_eq!(timeout(&config, &ECHO.timeout(Duration::ZERO)), 30);
        assert_eq!(timeout(&config, &ECHO.timeout(Duration::from_secs(5))), 5);
        config.timeout = Some(Duration::from_secs(2));
        assert_eq!(timeout(&config, &ECHO.timeout(Duration::from_secs(5))), 2);
    }
}
