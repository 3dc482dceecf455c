//! What holds for every call of a service: how large messages may be, and when streams must end.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Code;
use tonic::codec::{Codec, CompressionEncoding};
use tonic::server::Grpc;

use super::GrpcError;

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
}

impl Terms {
    pub(super) fn apply<C: Codec>(&self, mut grpc: Grpc<C>) -> Grpc<C> {
        if let Some(bytes) = self.request_limit {
            grpc = grpc.max_decoding_message_size(bytes);
        }
        if let Some(bytes) = self.answer_limit {
            grpc = grpc.max_encoding_message_size(bytes);
        }
        grpc = grpc.accept_compressed(CompressionEncoding::Gzip);
        if self.compression { grpc.send_compressed(CompressionEncoding::Gzip) } else { grpc }
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
        ending.token.is_cancelled().then(stopping)
    }

    pub(super) fn poll(&mut self, task: &mut Task<'_>) -> Poll<GrpcError> {
        let Some(ending) = &mut self.0 else { return Poll::Pending };
        ready!(ending.waiting.as_mut().poll(task));
        self.0 = None;
        Poll::Ready(stopping())
    }
}

fn stopping() -> GrpcError {
    GrpcError::new(Code::Unavailable, "the service is stopping")
}
