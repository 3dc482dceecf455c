//! One connection: HTTP/1.1, or HTTP/2 where the client begins with its preface.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum_core::body::Body;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::busy::Busy;
use super::carried;
use super::patient::Patient;
use super::preface::{self, Begun, Version};
use super::server::Site;
use super::tls::Tls;

/// How often a connection that should end is looked at: one that is not in the middle of a request or an answer is dropped then. A client
/// that has sent half a head does not hold up the end of the process.
const LOOK: Duration = Duration::from_secs(1);

/// What a connection is carried by.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<I: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for I {}

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of a head.
    pub(super) head: usize,
    /// For a head to come.
    pub(super) read: Duration,
    /// For a client that takes nothing.
    pub(super) write: Duration,
    /// Between two questions to a silent client of HTTP/2.
    pub(super) ask: Duration,
    /// For its reply.
    pub(super) reply: Duration,
}

/// Answers what comes over the connection until it ends, or until it has answered what was begun before the stop.
pub(super) async fn serve<S: Site>(stream: TcpStream, tls: Option<Tls>, site: Arc<S>, limits: Limits, stop: CancellationToken) {
    // Answers are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let busy = Busy::default();
    let stream = Patient::new(stream, limits.write, busy.clone());
    let Some(tls) = tls else { return over(stream, site, limits, busy, stop).await };
    let secured = tokio::select! {
        secured = timeout(limits.read, tls.accept(stream)) => secured,
        () = stop.cancelled() => return,
    };
    match secured {
        Ok(Ok(stream)) => over(stream, site, limits, busy, stop).await,
        Ok(Err(error)) => tracing::debug!(target: "comms::http", %error, "a client did not get through the handshake"),
        Err(_elapsed) => tracing::debug!(target: "comms::http", "a handshake took too long"),
    }
}

async fn over<S: Site, I: Stream>(stream: I, site: Arc<S>, limits: Limits, busy: Busy, stop: CancellationToken) {
    let begun = tokio::select! {
        begun = timeout(limits.read, preface::read(stream)) => begun,
        () = stop.cancelled() => return,
    };
    let Ok(Ok(begun)) = begun else { return };
    let ended = match begun.version {
        Version::Http1 => over_http1(begun, site, limits, &busy, stop).await,
        Version::Http2 => over_http2(begun, site, limits, &busy, stop).await,
    };
    if let Err(error) = ended {
        tracing::debug!(target: "comms::http", %error, "a connection ended badly");
    }
}

async fn over_http1<S: Site, I: Stream>(
    begun: Begun<I>,
    site: Arc<S>,
    limits: Limits,
    busy: &Busy,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let (answering, guard) = (Arc::clone(&site).answer(request.map(whole)), busy.begin());
        async move { Ok::<_, Infallible>(guard.over(answering.await)) }
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.read).max_header_size(limits.head);
    let connection = pin!(protocol.serve_connection(TokioIo::new(begun), service));
    until_stopped(connection, http1::Connection::graceful_shutdown, busy, stop).await
}

async fn over_http2<S: Site, I: Stream>(
    begun: Begun<I>,
    site: Arc<S>,
    limits: Limits,
    busy: &Busy,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let is_first = AtomicBool::new(true);
    let service = service_fn(|request: Request<Incoming>| {
        // hyper moves what answers a request about, and it is large.
        let (answering, guard) = (Box::pin(Arc::clone(&site).answer(request.map(whole))), busy.begin());
        let teaches = is_first.swap(false, Ordering::Relaxed);
        async move {
            let mut answer = answering.await;
            if teaches {
                carried::teach(answer.headers_mut());
            }
            Ok::<_, Infallible>(guard.over(answer))
        }
    });
    let mut protocol = http2::Builder::new(TokioExecutor::new());
    protocol
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        // A client that is gone without a word is noticed by its silence.
        .keep_alive_interval(limits.ask)
        .keep_alive_timeout(limits.reply);
    let connection = pin!(protocol.serve_connection(TokioIo::new(begun), service));
    until_stopped(connection, http2::Connection::graceful_shutdown, busy, stop).await
}

/// Drives the connection; after the stop, until it is in the middle of nothing.
async fn until_stopped<C>(mut connection: Pin<&mut C>, shut_down: fn(Pin<&mut C>), busy: &Busy, stop: CancellationToken) -> C::Output
where
    C: Future<Output = hyper::Result<()>>,
{
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => shut_down(connection.as_mut()),
    }
    loop {
        match timeout(LOOK, connection.as_mut()).await {
            Ok(ended) => return ended,
            Err(_) if busy.is_idle() => return Ok(()),
            Err(_) => {}
        }
    }
}

/// A request without a body has none to be boxed.
fn whole(body: Incoming) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(body) }
}
