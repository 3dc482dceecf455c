//! The HTTP port: connections within bounds.
//!
//! A head has a size and a time; a connection that sends nothing is closed after that time too. More connections than allowed wait in the
//! queue of the operating system. What a request may take beyond its head is the route's to say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::Response;
use hyper::Request;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::connection::{self, Limits};
use super::tls::{Tls, TlsError};
use crate::config::HttpConfig;

/// What answers the requests of a port.
pub(crate) trait Site: Send + Sync + 'static {
    /// Answers one. Never fails: what goes wrong is an answer too.
    fn answer(self: Arc<Self>, request: Request<Body>) -> impl Future<Output = Response> + Send;
}

/// The HTTP port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not open the HTTP port at {address}: {source}. Every process on a machine needs an address of its own: set `address` under `[http]` (COMMS__HTTP__ADDRESS; port 0 takes any free one), or `enabled = false`"
)]
pub(crate) struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}

/// The HTTP port could not be opened, or not be made secure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("could not open the HTTP port: {0}")]
    Tls(#[from] TlsError),
}

/// The port, open; nobody is accepted yet.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    connections: usize,
    tls: Option<Tls>,
}

impl Bound {
    /// Opens the port.
    ///
    /// # Errors
    /// When that fails, most often because another process has it; or the files of the certificate and its key are no good.
    pub(crate) async fn open(config: &HttpConfig) -> Result<Self, OpenError> {
        let tls = config.tls.as_ref().map(Tls::open).transpose()?;
        let failed = |source| BindError { address: config.address, source };
        let listener = TcpListener::bind(config.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let limits = Limits {
            head: config.header_limit,
            read: config.read_timeout,
            write: config.write_timeout,
            ask: config.keep_alive_interval,
            reply: config.keep_alive_timeout,
        };
        Ok(Self { listener, address, limits, connections: config.max_connections, tls })
    }

    /// Where it listens, with the port that it got.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from here on.
    pub(crate) fn serve(self, site: Arc<impl Site>) -> Server {
        let (stop, slots) = (CancellationToken::new(), Arc::new(Semaphore::new(self.connections)));
        let port = Port { site, limits: self.limits, tls: self.tls, slots: Arc::clone(&slots), stop: stop.clone() };
        let accepting = tokio::spawn(port.accept(self.listener));
        let state = State { accepting: accepting.abort_handle(), slots };
        Server { address: self.address, connections: self.connections, state, stop, accepting }
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
struct Port<S> {
    site: Arc<S>,
    limits: Limits,
    tls: Option<Tls>,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
}

impl<S: Site> Port<S> {
    async fn accept(self, listener: TcpListener) {
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
                    let (slot, serving) = (Arc::clone(&self.slots).try_acquire_owned(), self.connection(stream));
                    connections.spawn(async move {
                        serving.await;
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

    fn connection(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<S> {
        connection::serve(stream, self.tls.clone(), Arc::clone(&self.site), self.limits, self.stop.clone())
    }
}
