//! A connection at work.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Weak;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::Connection;
use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until};

use super::super::tls::Stream;
use super::connections::Shared;

/// Drives the connection until it ends; one that has idled for too long, or whose pool is gone, gets no further request and ends with
/// those that it has.
pub(super) async fn drive(connection: Connection<TokioIo<Stream>, Bytes>, pool: Weak<Shared>, uri: Uri, number: u64) {
    let (mut connection, mut idling) = (pin!(connection), pin!(sleep_until(Instant::now())));
    // The timer is left alone until it fires: it wakes this task.
    let (mut may_idle, mut armed) = (true, false);
    let mut step = |task: &mut Context<'_>| {
        if let Poll::Ready(ended) = connection.as_mut().poll(task) {
            return Poll::Ready(ended);
        }
        while may_idle && (!armed || idling.is_elapsed()) {
            armed = idling.as_mut().poll(task).is_pending();
            if armed {
                break;
            }
            match pool.upgrade().and_then(|pool| pool.idles_until(&uri, number)) {
                Some(until) => idling.as_mut().reset(until),
                None => may_idle = false,
            }
        }
        Poll::Pending
    };
    let ended = poll_fn(&mut step).await;
    if let Err(error) = ended {
        tracing::debug!(target: "comms::client", address = %uri, %error, "a connection ended badly");
    }
    if let Some(pool) = pool.upgrade() {
        pool.forget(&uri, number);
    }
}
