//! One request from its head to its answer: its identity, its context, its bounds, and its line in the log.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use hyper::header::{ALLOW, HeaderMap, HeaderValue};
use hyper::{Method, Request};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Level;

use super::carried::{self, REQUEST_ID};
use super::gzip;
use super::streaming::{End, Streamed, Streaming};
use super::table::{Found, Table};
use super::within::within_since;
use super::{Answered, Arguments, Endpoint, Merged, Problem, timeout};
use crate::context::Context;
use crate::error::panic_text;
use crate::message::Id;
use crate::metrics::RequestCounters;

/// A longer one is not taken over.
const LONGEST_ID: usize = 128;

/// Answers the request. Never fails: what goes wrong is an answer too. That of `HEAD` has the body of `GET`, whose length the
/// protocol tells before it leaves it out.
pub(crate) async fn respond(table: &Table, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let (id, shown_id) = request_id(&parts.headers);
    let mut access = Access::begin(&parts.method, id, &parts.headers);
    let packed = table.compression.then(|| gzip::accepted(&parts.headers));
    let answered = match table.find(&parts.method, parts.uri.path()) {
        Found::Route(endpoint, path) => {
            let limit = access.of(endpoint, &parts.headers);
            let context = access.context.clone();
            let arguments = Arguments::new(parts, body, Arc::clone(endpoint), path);
            context.scope(bounded(endpoint, access.begun, limit, arguments)).await
        }
        Found::OtherMethods(allow) => Err(Problem::new(405).header(ALLOW, allow.clone())),
        Found::Nothing => match &table.merged {
            Some(merged) => {
                let limit = access.of_merged(&parts.headers);
                elsewhere(merged, Request::from_parts(parts, body), &access, limit).await
            }
            None => Err(Problem::new(404).detail("there is no such path")),
        },
    };
    let mut response = ended(answered, access, table);
    response.headers_mut().insert(REQUEST_ID, shown_id);
    match packed {
        Some(accepted) => gzip::over(response, accepted),
        None => response,
    }
}

/// The answer, whose line is in the log, or will be when its stream has ended.
fn ended(mut answered: Answered, mut access: Access, table: &Table) -> Response {
    let streamed = answered.as_mut().ok().and_then(|response| response.extensions_mut().remove::<Streamed>());
    match (answered, streamed) {
        (Ok(response), Some(streamed)) if access.method != Method::HEAD => Streaming::over(response, access, streamed, table.stopping()),
        (answered, _) => {
            access.end(&answered);
            answered.unwrap_or_else(Problem::into_response)
        }
    }
}

/// A service of another make, whose times and sizes are its own; no longer than its client waits. A panic in it is that of its request.
async fn elsewhere(merged: &Merged, request: Request<Body>, access: &Access, limit: Option<Duration>) -> Answered {
    let call = AssertUnwindSafe(async { merged.call(request).await }).catch_unwind();
    let call = access.context.clone().scope(call);
    let caught = match limit {
        Some(limit) if limit.is_zero() => return Err(too_late()),
        Some(limit) => tokio::time::timeout(limit, call).await.map_err(|_elapsed| too_late())?,
        None => call.await,
    };
    caught.map_err(|panic| Problem::new(500).because(format_args!("the merged service panicked: {}", panic_text(panic.as_ref()))))
}

/// The route within its time; a panic in it is its own.
async fn bounded(endpoint: &Endpoint, begun: Instant, limit: Duration, arguments: Arguments) -> Answered {
    if limit.is_zero() {
        return Err(too_late());
    }
    let call = within_since(begun, limit, endpoint.call(arguments));
    match AssertUnwindSafe(call).catch_unwind().await {
        Ok(Some(answered)) => answered,
        Ok(None) if limit < endpoint.decl.timeout => Err(too_late()),
        Ok(None) => {
            Err(Problem::new(504)
                .because(format_args!("the route did not finish within {limit:?}: raise its `timeout`, or make it faster")))
        }
        Err(panic) => Err(Problem::new(500).because(format_args!("the route panicked: {}", panic_text(panic.as_ref())))),
    }
}

/// Nobody waits for the answer any more.
fn too_late() -> Problem {
    Problem::new(504)
        .detail("the deadline of the caller passed before the request was answered")
        .because("the deadline of the caller passed")
}

/// The id that the client gave the request, if it is one; else a new one.
fn request_id(headers: &HeaderMap) -> (Id, HeaderValue) {
    let is_id = |value: &&HeaderValue| (1..=LONGEST_ID).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    let given = headers.get(REQUEST_ID).filter(is_id).and_then(|value| Some((Id::parse(value.to_str().ok()?), value.clone())));
    given.unwrap_or_else(|| {
        let id = Id::new();
        // A UUID is made of signs that a header may have.
        let shown = id.with_text(HeaderValue::from_str).unwrap_or(HeaderValue::from_static(""));
        (id, shown)
    })
}

/// How long the client waits, if it says so in a way that can be read.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    timeout::parse(headers.get(timeout::TIMEOUT)?.to_str().ok()?)
}

/// What the log will say of a request. One that is dropped before its end was abandoned by its client.
pub(super) struct Access {
    method: Method,
    route: &'static str,
    context: Context,
    begun: Instant,
    ended: bool,
    counters: Option<Arc<RequestCounters>>,
    /// Its answer goes on, with this status.
    streams: Option<u16>,
}

impl Access {
    fn begin(method: &Method, id: Id, headers: &HeaderMap) -> Self {
        let (trace, state) = carried::trace(headers);
        let context = Context::default().with_correlation(id).with_trace(trace).with_trace_state(state);
        Self { method: method.clone(), route: "", context, begun: Instant::now(), ended: false, counters: None, streams: None }
    }

    /// The request is for this route: how long it may take, which is no longer than its client waits.
    fn of(&mut self, endpoint: &Endpoint, headers: &HeaderMap) -> Duration {
        self.route = endpoint.decl.path;
        self.counters = Some(Arc::clone(&endpoint.counters));
        let limit = patience(headers).map_or(endpoint.decl.timeout, |patience| patience.min(endpoint.decl.timeout));
        self.context = std::mem::take(&mut self.context).of_handler(endpoint.service, endpoint.decl.name);
        if let Some(key) = endpoint.decl.idempotency_key.then(|| carried::idempotency_key(headers)).flatten() {
            self.context = std::mem::take(&mut self.context).with_idempotency_key(key);
        }
        self.ends_within(limit);
        limit
    }

    /// The request is for a service of another make: how long its client waits, if it says so.
    fn of_merged(&mut self, headers: &HeaderMap) -> Option<Duration> {
        let limit = patience(headers);
        limit.into_iter().for_each(|limit| self.ends_within(limit));
        limit
    }

    /// A time too far away to be told is no deadline.
    fn ends_within(&mut self, limit: Duration) {
        if let Ok(deadline) = Timestamp::now().checked_add(limit) {
            self.context = std::mem::take(&mut self.context).with_deadline(deadline);
        }
    }

    fn end(&mut self, answered: &Answered) {
        self.ended = true;
        match answered {
            Ok(response) => self.log(response.status().as_u16(), None),
            Err(problem) => self.log(problem.status(), Some(problem.cause().unwrap_or_default())),
        }
    }

    /// Counts the request, of which there is a line in the log; how long it took, in milliseconds.
    fn count(&self, status: Option<u16>) -> f64 {
        let took = self.begun.elapsed();
        if let Some(counters) = &self.counters {
            status.map_or_else(|| counters.abandoned(took), |status| counters.answered(status, took));
        }
        took.as_secs_f64() * 1000.0
    }

    fn log(&mut self, status: u16, cause: Option<&str>) {
        let took = self.count(Some(status));
        let Self { method, route, context, .. } = self;
        let id = context.correlation().cloned();
        let request_id = id.as_ref().map(tracing::field::display);
        context.enter(|| match cause {
            Some(error) if status >= 500 => tracing::event!(
                target: "comms::http",
                Level::ERROR,
                { http.request.method = method.as_str(), http.route = *route, http.response.status_code = status, duration_ms = took, request_id, error },
                "request failed"
            ),
            // What the client is not told of a refusal.
            Some(error) if !error.is_empty() => tracing::event!(
                target: "comms::http",
                Level::INFO,
                { http.request.method = method.as_str(), http.route = *route, http.response.status_code = status, duration_ms = took, request_id, error },
                "request"
            ),
            _ => tracing::event!(
                target: "comms::http",
                Level::INFO,
                { http.request.method = method.as_str(), http.route = *route, http.response.status_code = status, duration_ms = took, request_id },
                "request"
            ),
        });
    }

    /// What comes now is bounded by no timeout.
    pub(super) fn outlives_its_route(&mut self, status: u16) {
        self.context = std::mem::take(&mut self.context).without_deadline();
        self.streams = Some(status);
    }

    /// Runs the closure in the context of the request.
    pub(super) fn enter<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.context.enter(work)
    }

    /// The one line of a request whose answer was a stream.
    pub(super) fn end_stream(&mut self, how: &End<'_>) {
        self.ended = true;
        let status = self.streams.unwrap_or_default();
        let took = self.count(Some(status));
        let Self { method, route, context, .. } = self;
        let id = context.correlation().cloned();
        let request_id = id.as_ref().map(tracing::field::display);
        let text = match how {
            End::Done => "a stream ended",
            End::Stopped => "a stream was ended, since the service stops",
            End::Abandoned => "the client went away from a stream",
            End::Failed(_) => "a stream failed",
        };
        context.enter(|| match how {
            End::Failed(error) => tracing::event!(
                target: "comms::http",
                Level::ERROR,
                { http.request.method = method.as_str(), http.route = *route, http.response.status_code = status, duration_ms = took, request_id, error },
                "{text}"
            ),
            _ => tracing::event!(
                target: "comms::http",
                Level::INFO,
                { http.request.method = method.as_str(), http.route = *route, http.response.status_code = status, duration_ms = took, request_id },
                "{text}"
            ),
        });
    }

    fn log_abandoned(&mut self) {
        let took = self.count(None);
        let Self { method, route, context, .. } = self;
        let id = context.correlation().cloned();
        let request_id = id.as_ref().map(tracing::field::display);
        context.enter(|| {
            tracing::event!(
                target: "comms::http",
                Level::INFO,
                { http.request.method = method.as_str(), http.route = *route, duration_ms = took, request_id },
                "the client went away before its request was answered"
            );
        });
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        match (self.ended, self.streams) {
            (true, _) => {}
            (false, Some(_)) => self.end_stream(&End::Abandoned),
            (false, None) => self.log_abandoned(),
        }
    }
}
