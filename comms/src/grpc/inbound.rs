//! A stream that comes in: of requests at a server, of answers at a client.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use futures_util::Stream;
use tokio_util::sync::DropGuard;
use tonic::Streaming;
use tonic::metadata::MetadataMap;

use super::GrpcError;
use super::deadline::{Deadline, Timer};
use super::terms::End;

/// Messages of the other side, as they come. What is not read is not sent: the other side waits.
///
/// ```no_run
/// # use comms::grpc::{GrpcError, Inbound};
/// async fn count(mut requests: Inbound<String>) -> Result<usize, GrpcError> {
///     let mut count = 0;
///     while let Some(_request) = requests.message().await? {
///         count += 1;
///     }
///     Ok(count)
/// }
/// ```
///
/// It ends (`None`) only when the other side has said so. An error is its last item. Dropping it ends the call.
#[must_use = "what is not read is not sent"]
pub struct Inbound<T> {
    /// Nothing once it has ended: then nothing is held either.
    messages: Option<Streaming<T>>,
    deadline: Deadline,
    timer: Timer,
    end: End,
    metadata: MetadataMap,
    /// At a client, what breaks off the requests when it is dropped.
    left: Option<DropGuard>,
}

impl<T> Inbound<T> {
    pub(super) fn new(messages: Streaming<T>, deadline: Deadline) -> Self {
        Self { messages: Some(messages), deadline, timer: deadline.timer(), end: End::never(), metadata: MetadataMap::new(), left: None }
    }

    /// The answers to requests that break off with them.
    pub(super) fn tied(self, left: DropGuard) -> Self {
        Self { left: Some(left), ..self }
    }

    /// The requests of a service, which ends them when it stops.
    pub(super) fn until(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// The answers with what the server sent along.
    pub(super) fn with(self, metadata: MetadataMap) -> Self {
        Self { metadata, ..self }
    }

    /// What the server sent along before its answers. At a server it is empty: there it is
    /// [`Metadata::current`](super::Metadata::current).
    #[must_use]
    pub fn metadata(&self) -> &MetadataMap {
        &self.metadata
    }

    /// Waits for the next message; `None` when the other side has sent its last.
    ///
    /// # Errors
    /// When the other side failed, the connection was lost, a message could not be decoded or is too large, or the
    /// deadline of the call has passed; at a server, `Unavailable` when it stops.
    pub async fn message(&mut self) -> Result<Option<T>, GrpcError> {
        poll_fn(|task| Pin::new(&mut *self).poll_next(task)).await.transpose()
    }

    /// Waits for all of them, to the last: for streams whose length is known to be bounded.
    ///
    /// # Errors
    /// As [`message`](Self::message).
    pub async fn all(mut self) -> Result<Vec<T>, GrpcError> {
        let mut all = Vec::new();
        while let Some(message) = self.message().await? {
            all.push(message);
        }
        Ok(all)
    }

    fn poll(&mut self, task: &mut Task<'_>) -> Poll<Option<Result<T, GrpcError>>> {
        let Some(messages) = &mut self.messages else { return Poll::Ready(None) };
        if self.timer.poll(task).is_ready() {
            return Poll::Ready(Some(Err(self.deadline.exceeded())));
        }
        if let Some(error) = self.end.now() {
            return Poll::Ready(Some(Err(error)));
        }
        match Pin::new(messages).poll_next(task) {
            Poll::Pending => self.end.poll(task).map(|error| Some(Err(error))),
            Poll::Ready(next) => Poll::Ready(next.map(|message| message.map_err(|status| self.deadline.told(status)))),
        }
    }
}

impl<T> Unpin for Inbound<T> {}

impl<T> Stream for Inbound<T> {
    type Item = Result<T, GrpcError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.poll(task));
        if !matches!(next, Some(Ok(_))) {
            self.messages = None;
            self.left = None;
        }
        Poll::Ready(next)
    }
}

impl<T> fmt::Debug for Inbound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("ended", &self.messages.is_none()).finish_non_exhaustive()
    }
}
