//! A body that tells when nothing more of it is to be sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::oneshot;

/// A body that tells when it is dropped: sent whole, or given up.
pub(super) struct Watched {
    body: Body,
    _end: oneshot::Sender<()>,
}

impl Watched {
    /// The body, and what waits for its end.
    pub(super) fn over(body: Body) -> (Self, impl Future<Output = ()> + Send) {
        let (end, ended) = oneshot::channel();
        // It ends by being dropped.
        (Self { body, _end: end }, async { drop(ended.await) })
    }
}

impl HttpBody for Watched {
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
