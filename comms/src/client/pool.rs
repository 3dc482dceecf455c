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
use super::http2::{self, Connections, NoConnection};
use super::loan::Loan;
use super::tls::Tls;
use super::watched::Watched;
use super::{ChannelError, Instance, Instances, TransportError};
use crate::config::{ClientConfig, Protocol};
use crate::error::{BoxError, chain_text};

/// For so long an address that could not be connected to is asked last.
const AVOIDED: Duration = Duration::from_secs(5);

/// Connections to whichever instances there are.
pub(super) struct Pool {
    name: &'static str,
    instances: Arc<dyn Instances>,
    wire: Wire,
    attempt_timeout: Option<Duration>,
    turn: AtomicUsize,
    avoided: Avoided,
}

/// What the connections speak.
enum Wire {
    /// HTTP/1.1, or whatever was agreed on where no connection is kept.
    Negotiated(Box<Client<Connector, Body>>, Version),
    Http2(Connections),
}

/// Why an attempt at one address has no answer.
enum Missed {
    /// There was no connection: another address may be tried.
    NotSent(BoxError),
    Lost(BoxError),
    Late(Duration),
}

impl Pool {
    pub(super) fn new(name: &'static str, instances: Arc<dyn Instances>, config: &ClientConfig) -> Result<Self, ChannelError> {
        let wanted = instances.current().iter().any(|instance| instance.uri.scheme() == Some(&Scheme::HTTPS));
        let tls = Tls::of(name, wanted, config)?;
        let is_http2 = config.protocol == Protocol::Http2;
        let connector = Connector::new(tls, config.connect_timeout);
        let wire = if is_http2 && config.max_idle > 0 {
            Wire::Http2(Connections::new(connector, config.idle_timeout))
        } else {
            Wire::Negotiated(Box::new(negotiated(connector, config)), if is_http2 { Version::HTTP_2 } else { Version::HTTP_11 })
        };
        Ok(Self { name, instances, wire, attempt_timeout: config.attempt_timeout, turn: AtomicUsize::new(0), avoided: Avoided::default() })
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
                    tried.push((instance.to_string(), why(error.as_ref())));
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
        parts.uri = instance.uri_of(&parts.uri);
        let Some(limit) = self.attempt_timeout else { return self.wire.request(Request::from_parts(parts, body)).await };
        let (body, sent) = Watched::over(body);
        tokio::select! {
            answered = self.wire.request(Request::from_parts(parts, Body::new(body))) => answered,
            () = async { sent.await; tokio::time::sleep(limit).await } => Err(Missed::Late(limit)),
        }
    }

    fn error(&self, instance: &Instance, missed: Missed, mut tried: Vec<(String, String)>) -> TransportError {
        match missed {
            Missed::NotSent(error) => {
                tried.push((instance.to_string(), why(error.as_ref())));
                TransportError::unreachable(self.name, &tried, Some(error))
            }
            Missed::Lost(error) => TransportError::broken(self.name, &instance.to_string(), error),
            Missed::Late(waited) => TransportError::deadline(self.name, &instance.to_string(), waited),
        }
    }
}

impl Wire {
    async fn request(&self, mut request: Request<Body>) -> Result<Response<Body>, Missed> {
        match self {
            Self::Http2(connections) => {
                let taken = connections.take(request.uri()).await.map_err(Missed::from)?;
                http2::exchange(taken, request).await.map_err(|error| Missed::Lost(error.into()))
            }
            Self::Negotiated(client, version) => {
                *request.version_mut() = *version;
                client.request(request).await.map(|response| response.map(whole)).map_err(Missed::from)
            }
        }
    }
}

impl From<NoConnection> for Missed {
    fn from(why: NoConnection) -> Self {
        match why {
            NoConnection::NotMade(error) => Self::NotSent(error),
            NoConnection::Lost(error) => Self::Lost(error.into()),
        }
    }
}

impl From<legacy::Error> for Missed {
    fn from(error: legacy::Error) -> Self {
        if error.is_connect() { Self::NotSent(error.into()) } else { Self::Lost(error.into()) }
    }
}

fn negotiated(connector: Connector, config: &ClientConfig) -> Client<Connector, Body> {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(config.idle_timeout)
        .pool_max_idle_per_host(config.max_idle)
        .http2_only(config.protocol == Protocol::Http2)
        .build(connector)
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
fn why(error: &(dyn std::error::Error + 'static)) -> String {
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
