//! The HTTP port: connections, each of them HTTP/1.1, within bounds.
//!
//! A head has a size and a time; a connection that sends nothing is closed after that time too. More connections than allowed wait in the
//! queue of the operating system. What a request may take beyond its head is the route's to say.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum_core::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::access::respond;
use super::table::Table;
use crate::config::HttpConfig;

/// How often a connection that should end is looked at: one that is not in the middle of a request is dropped then. A client
/// that has sent half a head does not hold up the end of the process.
const LOOK: Duration = Duration::from_secs(1);

/// The HTTP port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not open the HTTP port at {address}: {source}. Every process on a machine needs an address of its own: set `address` under `[http]` (COMMS__HTTP__ADDRESS; port 0 takes any free one), or `enabled = false`"
)]
pub(crate) struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}

/// The port, open; nobody is accepted yet.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Bytes of a head.
    head: usize,
    /// For a head to come.
    read: Duration,
    connections: usize,
}

impl Bound {
    /// Opens the port.
    ///
    /// # Errors
    /// When that fails, most often because another process has it.
    pub(crate) async fn open(config: &HttpConfig) -> Result<Self, BindError> {
        let failed = |source| BindError { address: config.address, source };
        let listener = TcpListener::bind(config.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let limits = Limits { head: config.header_limit, read: config.read_timeout, connections: config.max_connections };
        Ok(Self { listener, address, limits })
    }

    /// Where it listens, with the port that it got.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from here on.
    pub(crate) fn serve(self, table: Arc<Table>) -> Server {
        let (stop, slots) = (CancellationToken::new(), Arc::new(Semaphore::new(self.limits.connections)));
        let port = Arc::new(Port { table, limits: self.limits, slots: Arc::clone(&slots), stop: stop.clone() });
        let accepting = tokio::spawn(port.accept(self.listener));
        let state = State { accepting: accepting.abort_handle(), slots };
        Server { address: self.address, connections: self.limits.connections, state, stop, accepting }
    }
}

/// The port at work. Dropping it ends it, and every connection, at once.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    connections: usize,
    state: State,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        self.connections - self.state.slots.available_permits()
    }

    /// How it is doing, for whoever asks later.
    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    /// Closes the port, and every connection once it has answered what it has begun to answer.
    pub(crate) fn stop_taking(&self) {
        self.stop.cancel();
    }

    /// Waits until every connection is closed, after [`stop_taking`](Self::stop_taking).
    pub(crate) async fn drained(&mut self) {
        // A panic in the loop would be ours, and has been reported by its hook.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// How the port is doing.
#[derive(Clone, Debug)]
pub(crate) struct State {
    accepting: AbortHandle,
    slots: Arc<Semaphore>,
}

impl State {
    /// Whether nobody is accepted any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.accepting.is_finished()
    }

    /// Whether further connections wait.
    pub(crate) fn is_full(&self) -> bool {
        self.slots.available_permits() == 0
    }
}

/// What accepted connections share.
struct Port {
    table: Arc<Table>,
    limits: Limits,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Port {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            // Nobody but this loop takes a slot: one that was free is free after the accepting.
            let next = async {
                drop(self.slots.acquire().await);
                listener.accept().await
            };
            let accepted = tokio::select! {
                next = next => next,
                () = self.stop.cancelled() => break,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (port, slot) = (Arc::clone(&self), Arc::clone(&self.slots).try_acquire_owned());
                    connections.spawn(async move {
                        port.serve(stream).await;
                        drop(slot);
                    });
                }
                // Out of file descriptors, most often: try again once there may be some.
                Err(error) => {
                    tracing::warn!(target: "comms::http", %error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn serve(&self, stream: TcpStream) {
        // Answers are written whole; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let busy = Busy::default();
        let service = service_fn(|request: Request<Incoming>| {
            let (table, guard) = (&self.table, busy.begin());
            async move { Ok::<_, Infallible>(guard.over(respond(table, request.map(whole)).await)) }
        });
        let mut connection = pin!(self.protocol().serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                loop {
                    match timeout(LOOK, connection.as_mut()).await {
                        Ok(ended) => break ended,
                        Err(_) if busy.is_idle() => break Ok(()),
                        Err(_) => {}
                    }
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(target: "comms::http", %error, "a connection ended badly");
        }
    }

    fn protocol(&self) -> http1::Builder {
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(self.limits.read).max_header_size(self.limits.head);
        protocol
    }
}

/// A request without a body has none to be boxed.
fn whole(body: Incoming) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(body) }
}

/// How many requests of a connection are being answered.
#[derive(Clone, Default)]
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn begin(&self) -> Guard {
        self.0.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// A request that is being answered, until its last byte was handed over.
struct Guard(Busy);

impl Guard {
    fn over(self, response: Response<Body>) -> Response<Guarded> {
        response.map(|body| Guarded { body, _guard: self })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that keeps its connection busy.
struct Guarded {
    body: Body,
    _guard: Guard,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
