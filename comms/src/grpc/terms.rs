//! What holds for every call of a service: how large messages may be, and when streams must end.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use prost::Message;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::codec::{Codec, CompressionEncoding};
use tonic::server::Grpc;

use super::GrpcError;
use super::arrival::Patience;

/// The terms of a service; tonic's own limits (4 MiB in, none out) where nothing is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// Bytes of a request message.
    pub(crate) request_limit: Option<usize>,
    /// Bytes of an answer.
    pub(crate) answer_limit: Option<usize>,
    /// Whether answers are compressed for callers that can read that. What callers compress is read in any case.
    pub(crate) compression: bool,
    /// Cancelled when the service stops and streams must end.
    pub(crate) end: Option<CancellationToken>,
    /// How long the messages of callers may take.
    pub(crate) patience: Patience,
    /// The longest that a call of the method may take.
    pub(crate) timeout: Option<Duration>,
    /// Bytes of a request message of the method.
    pub(crate) method_request_limit: Option<usize>,
    /// Bytes of an answer of the method.
    pub(crate) method_answer_limit: Option<usize>,
}

/// How large an answer of a method may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    method: &'static str,
    bytes: usize,
}

impl Limit {
    /// The answer, if it is not too large.
    #[inline]
    pub(super) fn check<A: Message>(limit: Option<Self>, answer: A) -> Result<A, Status> {
        let Some(Self { method, bytes }) = limit else { return Ok(answer) };
        let length = answer.encoded_len();
        if length <= bytes {
            return Ok(answer);
        }
        let text = format!("the answer has {length} bytes; `{method}` gives {bytes}: `limit(answer)` of the method");
        Err(Status::resource_exhausted(text))
    }
}

impl Terms {
    pub(super) fn apply<C: Codec>(&self, mut grpc: Grpc<C>) -> Grpc<C> {
        // What arrives is measured before it is unpacked by the limit of the method, and here once it is.
        if let Some(bytes) = self.method_request_limit.or(self.request_limit) {
            grpc = grpc.max_decoding_message_size(bytes);
        }
        if let Some(bytes) = self.method_answer_limit.or(self.answer_limit) {
            grpc = grpc.max_encoding_message_size(bytes);
        }
        grpc = grpc.accept_compressed(CompressionEncoding::Gzip);
        if self.compression { grpc.send_compressed(CompressionEncoding::Gzip) } else { grpc }
    }

    pub(super) fn answer_limit_of(&self, method: &'static str) -> Option<Limit> {
        self.method_answer_limit.map(|bytes| Limit { method, bytes })
    }

    /// Whether streams have been told to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.end.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    pub(super) fn end(&self) -> End {
        End(self.end.clone().map(|end| Ending { waiting: Box::pin(end.clone().cancelled_owned()), token: end }))
    }
}

/// Ready with what a stream ends with, once it must; never where nothing ends it.
pub(super) struct End(Option<Ending>);

struct Ending {
    token: CancellationToken,
    waiting: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl End {
    pub(super) const fn never() -> Self {
        Self(None)
    }

    /// What the stream ends with, if it must end now. Cheaper than [`poll`](Self::poll), which is for a stream that waits.
    pub(super) fn now(&self) -> Option<GrpcError> {
        let ending = self.0.as_ref()?;
        ending.token.is_cancelled().then(GrpcError::of_stop)
    }

    pub(super) fn poll(&mut self, task: &mut Task<'_>) -> Poll<GrpcError> {
        let Some(ending) = &mut self.0 else { return Poll::Pending };
        ready!(ending.waiting.as_mut().poll(task));
        self.0 = None;
        Poll::Ready(GrpcError::of_stop())
    }
}
