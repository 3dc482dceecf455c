//! The admin port: a small HTTP/1.1 server for probes and people.
//!
//! It answers `GET` and `HEAD` of a fixed list of paths with what closures say. Everything is bounded: connections, the size
//! of a request's head, the time to send it, the life of a connection; bodies of requests are not read.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// More than that many at once are turned away.
const CONNECTIONS: usize = 64;
/// A longer head is refused; hyper asks for at least 8 KiB.
const HEAD: usize = 16 * 1024;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// To send the head of a request, also for a connection that sends nothing.
    head: Duration,
    /// For a connection in all.
    life: Duration,
    /// For connections to end once the server stops.
    stop: Duration,
}

const LIMITS: Limits = Limits { head: Duration::from_secs(5), life: Duration::from_secs(60), stop: Duration::from_secs(1) };

/// What a path answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Answer {
    /// JSON, with the status 200, or 503 for what is not well.
    pub(crate) fn json(well: bool, value: &serde_json::Value) -> Self {
        let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Self { status, content_type: "application/json", body: format!("{value:#}\n").into() }
    }

    /// Text of this media type.
    pub(crate) fn text(content_type: &'static str, text: String) -> Self {
        Self { status: StatusCode::OK, content_type, body: text.into() }
    }

    /// For people.
    fn plain(status: StatusCode, text: String) -> Self {
        Self { status, ..Self::text("text/plain; charset=utf-8", text) }
    }
}

/// A path and what answers for it.
pub(crate) struct Route {
    /// `/health/live`.
    pub(crate) path: &'static str,
    /// What it is, for the list that a wrong path gets.
    pub(crate) about: &'static str,
    /// Called for each request; must not block.
    pub(crate) answer: Box<dyn Fn() -> Answer + Send + Sync>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

/// The admin port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not open the admin port at {address}. Every process on a machine needs an address of its own: set `address` under `[admin]` (COMMS__ADMIN__ADDRESS; port 0 takes any free one), or `enabled = false`"
)]
pub(crate) struct AdminError {
    address: SocketAddr,
    source: std::io::Error,
}

/// The running server. Dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct AdminServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl AdminServer {
    /// Opens the port and serves the routes.
    ///
    /// # Errors
    /// When the port can't be opened, most often because another process has it.
    pub(crate) async fn bind(address: SocketAddr, routes: Vec<Route>) -> Result<Self, AdminError> {
        Self::bind_with(address, routes, LIMITS).await
    }

    async fn bind_with(address: SocketAddr, routes: Vec<Route>, limits: Limits) -> Result<Self, AdminError> {
        let failed = |source| AdminError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let server = Arc::new(Server { routes, limits, slots: Arc::new(Semaphore::new(CONNECTIONS)) });
        Ok(Self { address, stop, accepting: tokio::spawn(server.accept(listener, stopped)) })
    }

    /// Where it listens, with the port that it got.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no further connection, lets those that are being answered finish, and ends within a second.
    pub(crate) async fn stop(mut self) {
        // Nobody listening means that it has ended.
        let _ = self.stop.send(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Server {
    routes: Vec<Route>,
    limits: Limits,
    slots: Arc<Semaphore>,
}

impl Server {
    async fn accept(self: Arc<Self>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => break,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self).serve(stream, stopped.clone()))),
                // Out of file descriptors, most often: try again once there may be some.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        drop(listener);
        // What takes longer is aborted when the set is dropped.
        let _ = timeout(self.limits.stop, async { while connections.join_next().await.is_some() {} }).await;
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
        let Ok(_slot) = Arc::clone(&self.slots).try_acquire_owned() else { return };
        let server = Arc::clone(&self);
        let service = service_fn(move |request| {
            let response = server.respond(&request);
            async move { Ok::<_, Infallible>(response) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.limits.head).max_buf_size(HEAD).max_headers(64);
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        let life = async {
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        };
        // However it ends, there is nothing to be done about it here.
        let _ = timeout(self.limits.life, life).await;
    }

    fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let Some(route) = self.routes.iter().find(|route| route.path == path) else { return self.not_found(path) };
        if request.method() == Method::GET || request.method() == Method::HEAD {
            response((route.answer)())
        } else {
            let text = format!("{} takes GET and HEAD only\n", route.path);
            let mut response = response(Answer::plain(StatusCode::METHOD_NOT_ALLOWED, text));
            response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
            response
        }
    }

    fn not_found(&self, path: &str) -> Response<Full<Bytes>> {
        let width = self.routes.iter().map(|route| route.path.len()).max().unwrap_or_default();
        let list: String = self.routes.iter().map(|route| format!("  {:width$}  {}\n", route.path, route.about)).collect();
        response(Answer::plain(StatusCode::NOT_FOUND, format!("there is no {path} here; there is:\n{list}")))
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(answer.content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
