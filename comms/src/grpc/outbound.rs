//! The stream of answers that a handler returns.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;
use tonic::Code;

use super::GrpcError;

/// A stream of answers. It is asked for the next one only when the caller can take it, so a slow caller slows the
/// handler, and memory is bounded; it is dropped when the caller goes away or the deadline passes.
///
/// ```
/// # use comms::grpc::{GrpcError, Outbound};
/// // From any stream ..
/// let _: Outbound<u32> = Outbound::new(futures_util::stream::iter([Ok(1), Ok(2)]));
/// // .. or as a loop that waits for its caller at each `send`.
/// let _: Outbound<u32> = Outbound::produce(|answers| async move {
///     for number in 0.. {
///         answers.send(number).await?;
///     }
///     Ok(())
/// });
/// ```
#[must_use = "answers are sent only when the handler returns them"]
pub struct Outbound<T, E = GrpcError> {
    answers: Pin<Box<dyn Stream<Item = Result<T, E>> + Send>>,
}

impl<T, E> Outbound<T, E> {
    /// What the stream yields. Its first error ends the call.
    pub fn new(answers: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
        Self { answers: Box::pin(answers) }
    }

    /// These, and then the end.
    pub fn of(answers: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self
    where
        T: 'static,
        E: 'static,
    {
        Self::new(futures_util::stream::iter(answers.into_iter().map(Ok)))
    }

    /// What the work sends. It runs within the call, not as a task of its own: it waits in
    /// [`send`](Sink::send) for the caller, and is dropped with the call. Its error ends the call.
    pub fn produce<F>(work: impl FnOnce(Sink<T>) -> F) -> Self
    where
        T: Send + 'static,
        E: Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(1);
        Self::new(Produced { work: Some(Box::pin(work(Sink { sender }))), receiver, error: None })
    }
}

impl<T, E> Stream for Outbound<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.answers.as_mut().poll_next(task)
    }
}

impl<T, E> fmt::Debug for Outbound<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

/// Where the work of [`Outbound::produce`] puts its answers.
#[derive(Debug)]
pub struct Sink<T> {
    sender: mpsc::Sender<T>,
}

impl<T> Sink<T> {
    /// Hands over an answer, and waits until it is on its way to the caller.
    ///
    /// # Errors
    /// `Cancelled` when the call has ended, which only work sees that was moved to a task of its own.
    pub async fn send(&self, answer: T) -> Result<(), GrpcError> {
        let gone = || GrpcError::new(Code::Cancelled, "the call has ended: nobody takes the answer");
        self.sender.send(answer).await.map_err(|_| gone())?;
        // Until it was taken: what comes next, an error or a panic, comes after it.
        self.sender.reserve().await.map(drop).map_err(|_| gone())
    }
}

type Work<E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send>>;

/// Work and the answers that it has sent so far: at most one.
struct Produced<T, E> {
    work: Option<Work<E>>,
    receiver: mpsc::Receiver<T>,
    /// Told after what was sent before it.
    error: Option<E>,
}

impl<T, E> Unpin for Produced<T, E> {}

impl<T, E> Stream for Produced<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        if let Some(work) = &mut self.work
            && let Poll::Ready(outcome) = work.as_mut().poll(task)
        {
            self.work = None;
            self.error = outcome.err();
        }
        match self.receiver.poll_recv(task) {
            Poll::Ready(Some(answer)) => Poll::Ready(Some(Ok(answer))),
            Poll::Ready(None) if self.work.is_none() => Poll::Ready(self.error.take().map(Err)),
            // The sink was dropped before the work is done.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn work_is_never_ahead_of_its_caller() {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let mut answers: Outbound<usize> = Outbound::produce(|answers| async move {
            for number in 0..100 {
                answers.send(number).await?;
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        for expected in 0..10 {
            assert_eq!(answers.next().await.unwrap().unwrap(), expected);
            assert!(sent.load(Ordering::Relaxed) <= expected);
        }
        assert_eq!(answers.count().await, 90);
    }

    #[tokio::test]
    async fn an_error_comes_after_what_was_sent_before_it() {
        let mut answers: Outbound<u8> = Outbound::produce(|answers| async move {
            answers.send(1).await?;
            Err(GrpcError::new(Code::Aborted, "enough"))
        });
        assert_eq!(answers.next().await.unwrap().unwrap(), 1);
        assert_eq!(answers.next().await.unwrap().unwrap_err().code(), Code::Aborted);
        assert!(answers.next().await.is_none());
    }

    #[tokio::test]
    async fn work_that_lets_go_of_its_sink_is_still_finished() {
        let answers: Outbound<u8> = Outbound::produce(|answers| async move {
            drop(answers);
            tokio::task::yield_now().await;
            Err(GrpcError::new(Code::Aborted, "late"))
        });
        let all: Vec<_> = answers.collect().await;
        assert!(matches!(all.as_slice(), [Err(error)] if error.message() == "late"));
    }
}
