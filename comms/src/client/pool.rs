//! Connections to the addresses of one service.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum_core::body::Body;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri, Version};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::connector::Connector;
use super::loan::Loan;
use super::tls::Tls;
use super::watched::Watched;
use super::{ChannelError, Instance, Instances, TransportError};
use crate::config::{ClientConfig, Protocol};
use crate::error::chain_text;

/// For so long an address that could not be connected to is asked last.
const AVOIDED: Duration = Duration::from_secs(5);

/// Connections to whichever instances there are.
pub(super) struct Pool {
    name: &'static str,
    instances: Arc<dyn Instances>,
    client: Client<Connector, Body>,
    version: Version,
    attempt_timeout: Option<Duration>,
    turn: AtomicUsize,
    avoided: Avoided,
}

/// Why an attempt at one address has no answer.
enum Missed {
    /// There was no connection: another address may be tried.
    NotSent(legacy::Error),
    Lost(legacy::Error),
    Late(Duration),
}

impl Pool {
    pub(super) fn new(name: &'static str, instances: Arc<dyn Instances>, config: &ClientConfig) -> Result<Self, ChannelError> {
        let wanted = instances.current().iter().any(|instance| instance.uri.scheme() == Some(&Scheme::HTTPS));
        let tls = Tls::of(name, wanted, config)?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.max_idle)
            .http2_only(config.protocol == Protocol::Http2)
            .build(Connector::new(tls, config.connect_timeout));
        Ok(Self {
            name,
            instances,
            client,
            version: if config.protocol == Protocol::Http2 { Version::HTTP_2 } else { Version::HTTP_11 },
            attempt_timeout: config.attempt_timeout,
            turn: AtomicUsize::new(0),
            avoided: Avoided::default(),
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, TransportError> {
        // A layer has chosen.
        if let Some(chosen) = request.extensions_mut().remove::<Instance>() {
            return self.send_to(&chosen, request).await;
        }
        match &*self.instances.current() {
            [] => Err(TransportError::unreachable(self.name, &[], None)),
            [only] => self.send_to(only, request).await,
            several => self.send_to_one_of(several, request).await,
        }
    }

    async fn send_to(&self, instance: &Instance, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let (parts, body) = request.into_parts();
        self.attempt(instance, parts, body).await.map_err(|missed| self.error(instance, missed, Vec::new()))
    }

    /// One after the other, until one can be connected to.
    async fn send_to_one_of(&self, instances: &[Instance], request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let (parts, body) = request.into_parts();
        let (loan, mut tried) = (Loan::new(body), Vec::new());
        let mut turns = self.turns(instances).into_iter().peekable();
        while let Some(instance) = turns.next() {
            match self.attempt(instance, parts.clone(), loan.lend()).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(mut response) => {
                    // Whoever tells of it says where it comes from.
                    response.extensions_mut().insert(instance.clone());
                    return Ok(response);
                }
                Err(Missed::NotSent(error)) if turns.peek().is_some() => {
                    self.avoided.add(&instance.uri);
                    tracing::debug!(target: "comms::client", client = self.name, address = %instance, %error, "passed over");
                    tried.push((instance.to_string(), why(&error)));
                }
                Err(missed) => return Err(self.error(instance, missed, tried)),
            }
        }
        Err(TransportError::unreachable(self.name, &tried, None))
    }

    /// Each instance, beginning with the next one; those that are avoided come last.
    fn turns<'a>(&self, instances: &'a [Instance]) -> Vec<&'a Instance> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % instances.len();
        let (later, sooner) = instances.split_at(first);
        let mut turns: Vec<&Instance> = sooner.iter().chain(later).collect();
        self.avoided.put_last(&mut turns);
        turns
    }

    async fn attempt(&self, instance: &Instance, mut parts: Parts, body: Body) -> Result<Response<Body>, Missed> {
        (parts.uri, parts.version) = (instance.uri_of(&parts.uri), self.version);
        let answered = match self.attempt_timeout {
            None => self.client.request(Request::from_parts(parts, body)).await,
            Some(limit) => {
                let (body, sent) = Watched::over(body);
                let answering = self.client.request(Request::from_parts(parts, Body::new(body)));
                tokio::select! {
                    answered = answering => answered,
                    () = async { sent.await; tokio::time::sleep(limit).await } => return Err(Missed::Late(limit)),
                }
            }
        };
        match answered {
            Ok(response) => Ok(response.map(whole)),
            Err(error) if error.is_connect() => Err(Missed::NotSent(error)),
            Err(error) => Err(Missed::Lost(error)),
        }
    }

    fn error(&self, instance: &Instance, missed: Missed, mut tried: Vec<(String, String)>) -> TransportError {
        match missed {
            Missed::NotSent(error) => {
                tried.push((instance.to_string(), why(&error)));
                TransportError::unreachable(self.name, &tried, Some(error.into()))
            }
            Missed::Lost(error) => TransportError::broken(self.name, &instance.to_string(), error.into()),
            Missed::Late(waited) => TransportError::deadline(self.name, &instance.to_string(), waited),
        }
    }
}

/// Its addresses.
impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.instances.current().iter().map(ToString::to_string).collect();
        f.write_str(&addresses.join(", "))
    }
}

/// An answer without a body has none to be boxed.
fn whole(body: Incoming) -> Body {
    if hyper::body::Body::is_end_stream(&body) { Body::empty() } else { Body::new(body) }
}

/// What was at the bottom of it.
fn why(error: &legacy::Error) -> String {
    chain_text(error).pop().unwrap_or_default()
}

/// The addresses that could not be connected to lately.
#[derive(Default)]
struct Avoided {
    any: AtomicBool,
    until: Mutex<Vec<(Uri, Instant)>>,
}

impl Avoided {
    fn add(&self, uri: &Uri) {
        let mut until = self.lock();
        until.retain(|(avoided, _)| avoided != uri);
        until.push((uri.clone(), Instant::now() + AVOIDED));
        self.any.store(true, Ordering::Release);
    }

    fn put_last(&self, turns: &mut [&Instance]) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut until = self.lock();
        let now = Instant::now();
        until.retain(|(_, moment)| *moment > now);
        self.any.store(!until.is_empty(), Ordering::Release);
        // Stable: among themselves they keep their turns.
        turns.sort_by_key(|instance| until.iter().any(|(avoided, _)| *avoided == instance.uri));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Uri, Instant)>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
