//! Answers that go on after their route has returned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::access::Access;
use crate::error::{BoxError, panic_text};

/// What a stream may consist of: pieces, or results of them; an error breaks the answer off, so that the client knows that it is not
/// whole.
pub trait StreamItem<T> {
    /// The piece.
    ///
    /// # Errors
    /// Why there is none.
    fn piece(self) -> Result<T, BoxError>;
}

impl<T, I: StreamItem<T>, E: Into<BoxError>> StreamItem<T> for Result<I, E> {
    fn piece(self) -> Result<T, BoxError> {
        self.map_err(Into::into)?.piece()
    }
}

macro_rules! pieces {
    ($($type:ty)*) => {
        $(
            impl StreamItem<Bytes> for $type {
                fn piece(self) -> Result<Bytes, BoxError> {
                    Ok(self.into())
                }
            }
        )*
    };
}

pieces! { Bytes Vec<u8> String &'static str }

/// Marks an answer of this kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streamed {
    /// It has no end of its own: it ends when the service stops.
    pub(super) endless: bool,
}

/// An answer of the stream's pieces.
pub(super) fn answer(
    pieces: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    content_type: &'static str,
    streamed: Streamed,
) -> Response<Body> {
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.extensions_mut().insert(streamed);
    response
}

/// The body of such an answer: in the context of its request, told to end when the service stops, with its line in the log at its end.
pub(super) struct Streaming {
    body: Body,
    access: Access,
    stopping: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// How a stream ends.
pub(super) enum End<'a> {
    /// By itself.
    Done,
    /// The service stops.
    Stopped,
    /// With an error.
    Failed(&'a str),
    /// Nobody reads any more.
    Abandoned,
}

impl Streaming {
    /// The answer, which has taken its mark off.
    pub(super) fn over(response: Response<Body>, mut access: Access, streamed: Streamed, stopping: &CancellationToken) -> Response<Body> {
        access.outlives_its_route(response.status().as_u16());
        let stopping = streamed.endless.then(|| Box::pin(stopping.clone().cancelled_owned()));
        response.map(|body| Body::new(Self { body, access, stopping }))
    }

    /// What is left of it is dropped here, and not by whoever holds the body.
    fn end(&mut self, how: &End<'_>) {
        self.body = Body::empty();
        self.stopping = None;
        self.access.end_stream(how);
    }

    fn fail(&mut self, error: &str) -> axum_core::Error {
        self.end(&End::Failed(error));
        axum_core::Error::new("the stream failed")
    }
}

impl HttpBody for Streaming {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.stopping.as_mut().is_some_and(|stopping| stopping.as_mut().poll(task).is_ready()) {
            this.end(&End::Stopped);
            return Poll::Ready(None);
        }
        let Self { body, access, .. } = this;
        let polled = access.enter(|| catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(task))));
        match polled {
            Ok(Poll::Ready(Some(Err(error)))) => Poll::Ready(Some(Err(this.fail(&chain(&error))))),
            Ok(Poll::Ready(None)) => {
                this.end(&End::Done);
                Poll::Ready(None)
            }
            Ok(other) => other,
            Err(panic) => Poll::Ready(Some(Err(this.fail(&format!("it panicked: {}", panic_text(panic.as_ref())))))),
        }
    }
}

/// Without the wrapper of the body itself.
fn chain(error: &axum_core::Error) -> String {
    let mut texts = crate::error::chain_text(error);
    texts.dedup();
    texts.join(": ")
}
