//! A call that is sent, and whose answer is read.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum_core::body::Body;
use hyper::body::Body as _;
use hyper::header::{ACCEPT, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::answer::Refusal;
use super::call::Call;
use super::failure::{CallError, Failed, Lost, Target};
use super::from_answer::{Data, FromAnswer};
use super::reply::{Origin, Reply, ReplyError};
use super::{CallInfo, HttpCaller, Instance, context, path};
use crate::context::Context;
use crate::http::Verb;
use crate::http::carried::IDEMPOTENCY_KEY;
use crate::http::within::within_since;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("comms/", env!("CARGO_PKG_VERSION")));

/// Why the caller's own body broke off, once it has.
pub(super) type Failing = Arc<OnceLock<String>>;

/// A call whose answer has begun.
struct Begun<'a> {
    response: Response<Body>,
    caller: &'a HttpCaller,
    target: Target,
    success: bool,
    begun: Instant,
    left: Duration,
}

impl<'a> Call<'a> {
    /// Sends it, and reads the answer: a `T` out of its JSON, `()` out of an empty one; an `E` out of the member `error` of
    /// a problem.
    ///
    /// Dropping it ends the work on it at the server.
    ///
    /// # Errors
    /// [`CallError`], which says what became of the call.
    pub async fn send<T: DeserializeOwned, E: DeserializeOwned>(self) -> Result<T, CallError<E>> {
        self.send_for::<Data<T>, E>().await.map(|Data(value)| value)
    }

    /// Sends it, and lets the type read the answer: an [`EventStream`](crate::http::EventStream) for example. The time of the call
    /// bounds what comes before a stream, not the stream.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_for<T: FromAnswer, E: DeserializeOwned>(mut self) -> Result<T, CallError<E>> {
        self.headers.entry(ACCEPT).or_insert(const { HeaderValue::from_static(T::ACCEPT) });
        let own_end = self.failing.take().map(|failing| (failing, self.target.clone().at(&self.caller.channel)));
        let foreign = self.foreign;
        let answered = match self.exchange().await {
            Ok(begun) => begun.read(foreign).await,
            Err(failed) => Err(failed),
        };
        let error = match answered {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(failed) => failed.into_call_error(),
        };
        // Whatever the service made of half a body: it is not why the call failed.
        match own_end.and_then(|(failing, target)| Some((failing.get()?.clone(), target))) {
            Some((why, target)) => Err(CallError::Broken { target: Box::new(target), source: why.into() }),
            None => Err(error),
        }
    }

    async fn exchange(mut self) -> Result<Begun<'a>, Failed> {
        let (context, begun) = (Context::current(), Instant::now());
        let left = context::left(&context, self.timeout);
        if left.is_zero() {
            return Err(Failed::Deadline(self.target, Duration::ZERO));
        }
        self.headers.entry(USER_AGENT).or_insert(AGENT);
        context::write(&context, left, &mut self.headers);
        let (caller, declared, idempotent) = (self.caller, self.status, self.idempotent);
        let (target, mut request) = self.into_request()?;
        if caller.channel.is_layered() {
            let info = info(&target, idempotent, &request);
            request.extensions_mut().insert(info);
        }
        match timeout(left, caller.channel.send(request)).await {
            Ok(Ok(response)) => {
                // The declared status is one of success, and any from 200 to 299 is.
                let success = response.status().is_success() || response.status().as_u16() == declared;
                Ok(Begun { response, caller, target, success, begun, left })
            }
            Ok(Err(error)) => Err(Failed::Lost(target.at(&caller.channel), Lost::Transport(error))),
            Err(_elapsed) => Err(Failed::Deadline(target.at(&caller.channel), left)),
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
}

impl Begun<'_> {
    async fn read<T: FromAnswer, E: DeserializeOwned>(self, foreign: bool) -> Result<Result<T, CallError<E>>, Failed> {
        let Self { mut response, caller: HttpCaller { channel, settings, .. }, target, success, begun, left } = self;
        let by: Option<Instance> = response.extensions_mut().remove();
        let reply = Reply::new(response, Origin { target: &target, channel, settings });
        let reading = async {
            if success {
                return T::from_answer(reply).await.map(Ok);
            }
            Refusal::read(reply, by).await.map(|refusal| Err(refusal.error(foreign)))
        };
        match within_since(begun, left, reading).await {
            Some(Ok(answered)) => Ok(answered),
            Some(Err(ReplyError(lost))) => Err(Failed::Lost(target.at(channel), lost)),
            None => Err(Failed::Deadline(target.at(channel), left)),
        }
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
