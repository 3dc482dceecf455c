//! The body of an answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use h2::{Reason, RecvStream};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// An answer that has begun did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("error reading a body from connection")]
pub(crate) struct BodyLost(#[source] pub(crate) h2::Error);

pub(super) struct Answer {
    stream: RecvStream,
    /// Whether there are none but trailers.
    data_ended: bool,
}

impl Answer {
    /// What comes; an answer without a body has none to be boxed.
    pub(super) fn of(stream: RecvStream) -> Body {
        if stream.is_end_stream() { Body::empty() } else { Body::new(Self { stream, data_ended: false }) }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BodyLost;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyLost>>> {
        let this = &mut *self;
        while !this.data_ended {
            match ready!(this.stream.poll_data(task)) {
                Some(Ok(data)) => {
                    // Fails only where the stream has ended, and then nobody counts.
                    let _ = this.stream.flow_control().release_capacity(data.len());
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(lost(error)),
                None => this.data_ended = true,
            }
        }
        match ready!(this.stream.poll_trailers(task)) {
            Ok(trailers) => Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers)))),
            Err(error) => Poll::Ready(lost(error)),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A server that ends a stream without an error wants no more of the request: what it said before is whole.
fn lost<T>(error: h2::Error) -> Option<Result<T, BodyLost>> {
    (error.reason() != Some(Reason::NO_ERROR)).then(|| Err(BodyLost(error)))
}
