//! Whether a connection is in the middle of answering: not before the last byte of an answer is written.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::{Buf, Bytes};
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// How much a connection has in hand: requests that are being answered, pieces of answers that are not written yet, and a
/// write that its client does not take.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy(Arc<AtomicUsize>);

impl Busy {
    pub(super) fn begin(&self) -> Guard {
        self.0.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Something that the connection has in hand for as long as this is there.
#[derive(Debug)]
pub(super) struct Guard(Busy);

impl Guard {
    pub(super) fn over(self, response: Response<Body>) -> Response<Guarded> {
        response.map(|body| Guarded { body, guard: self })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that keeps its connection busy, until its last byte is written.
pub(super) struct Guarded {
    body: Body,
    guard: Guard,
}

impl HttpBody for Guarded {
    type Data = Piece;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(task));
        let busy = &self.guard.0;
        Poll::Ready(frame.map(|frame| Ok(frame?.map_data(|bytes| Piece { bytes, _guard: busy.begin() }))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes of an answer. hyper drops the body once it has the last of them, and these once they are written: over HTTP/2 that may
/// be long after, when the client makes room for them.
pub(super) struct Piece {
    bytes: Bytes,
    _guard: Guard,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}
