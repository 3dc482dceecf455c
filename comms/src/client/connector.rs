//! How one connection is made, within its time.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;
use tower_service::Service;

use super::tls::{Stream, Tls};
use crate::config::format_duration;
use crate::error::BoxError;

/// What was sent and is not confirmed for so long was sent to nobody: a host that vanished does not say so.
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(20);
/// A connection on which nothing happens for so long is asked whether its other end is still there.
const QUIET: Duration = Duration::from_secs(30);

/// Makes connections; the time is for looking the name up, the connection, and TLS together.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: Tls,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(tls: Tls, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        // Whether the scheme can be had is for `tls` to say.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(QUIET));
        tcp.set_keepalive_interval(Some(QUIET / 3));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNCONFIRMED));
        Self { tcp, tls, limit }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(task).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (tcp, tls, limit) = (self.tcp.call(uri.clone()), self.tls.clone(), self.limit);
        let connecting = async move { tls.secure(&uri, tcp.await?).await };
        Box::pin(async move { timeout(limit, connecting).await.map_err(|_| TooSlow(limit))? })
    }
}

/// No connection in time.
#[derive(Debug)]
struct TooSlow(Duration);

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {}", format_duration(self.0))
    }
}

impl std::error::Error for TooSlow {}
