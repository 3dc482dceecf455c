//! The messages of a caller as they arrive: how large one may be, and how long it may take.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status};

use super::fault::refused;
use super::terms::Terms;
use crate::http::Body;

/// What stands before each message: whether it is compressed, and its length.
const HEAD: usize = 5;

/// So late that nobody waits for it: thirty years.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// The body of a call within the terms of its method.
///
/// A message that has begun must go on, and come to its end, in time. Between the messages of a stream its caller may be silent for as
/// long as it likes; of a single request nothing may be waited for, not even its end.
pub(super) struct Arrival {
    body: Body,
    method: &'static str,
    terms: Arc<Terms>,
    /// Whether one message is all that may come.
    single: bool,
    framing: Framing,
    clock: Clock,
}

impl Arrival {
    /// Of a method that takes one request.
    pub(super) fn single(body: Body, method: &'static str, terms: Arc<Terms>) -> Self {
        Self { body, method, terms, single: true, framing: Framing::default(), clock: Clock::default() }
    }

    /// Of a method that takes a stream.
    pub(super) fn stream(body: Body, method: &'static str, terms: Arc<Terms>) -> Self {
        Self { single: false, ..Self::single(body, method, terms) }
    }

    fn checked(&mut self, frame: Result<Frame<Bytes>, axum_core::Error>) -> Result<Frame<Bytes>, Status> {
        let status = |error: axum_core::Error| Status::from_error(error.into_inner());
        let frame = frame.map_err(|error| if self.single { status(error) } else { honest(status(error)) })?;
        if let Some(data) = frame.data_ref() {
            let limit = self.terms.method_request_limit.unwrap_or(usize::MAX);
            let whole = self.framing.take(data, limit).map_err(|length| self.too_large(length, limit))?;
            if whole && !self.single {
                self.clock.waited = Duration::ZERO;
            }
        }
        Ok(frame)
    }

    fn too_large(&self, length: usize, limit: usize) -> Status {
        let method = self.method;
        refused(
            Code::ResourceExhausted,
            format!("the request message has {length} bytes; `{method}` takes {limit}: `limit(request)` of the method"),
        )
    }

    fn wait(&mut self, task: &mut Task<'_>) -> Poll<Status> {
        if !self.single && !self.framing.is_within() {
            return Poll::Pending;
        }
        let patience = self.terms.patience;
        ready!(self.clock.poll(patience, task));
        Poll::Ready(if self.clock.waited + patience.read > patience.message {
            let limit = patience.message;
            refused(Code::DeadlineExceeded, format!("the request message was not whole within {limit:?}: `message_timeout` of the server"))
        } else {
            let limit = patience.read;
            refused(
                Code::DeadlineExceeded,
                format!("nothing more of the request message came within {limit:?}: `read_timeout` of the server"),
            )
        })
    }
}

/// tonic takes a stream of requests that its caller cancelled for one that has ended: the handler would take half of it for the whole.
fn honest(status: Status) -> Status {
    match status.code() {
        Code::Cancelled => Status::aborted("the caller went away before its stream had ended"),
        _ => status,
    }
}

impl HttpBody for Arrival {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.body).poll_frame(task) {
            Poll::Ready(frame) => {
                let read = self.terms.patience.read;
                self.clock.stop(read);
                Poll::Ready(frame.map(|frame| self.checked(frame)))
            }
            Poll::Pending => self.wait(task).map(|status| Some(Err(status))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How long the message at hand has been waited for.
#[derive(Default)]
struct Clock {
    waited: Duration,
    /// The wait at hand.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Clock {
    /// Ready when that took too long.
    fn poll(&mut self, patience: Patience, task: &mut Task<'_>) -> Poll<()> {
        let (_, sleep) = self.waiting.get_or_insert_with(|| {
            let (now, left) = (Instant::now(), patience.read.min(patience.message.saturating_sub(self.waited)));
            (now, Box::pin(sleep_until(now.checked_add(left).unwrap_or_else(|| now + NEVER))))
        });
        sleep.as_mut().poll(task)
    }

    /// Something came. A wait that was longer than allowed is one in which nobody asked: the handler was elsewhere.
    fn stop(&mut self, longest: Duration) {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed().min(longest);
        }
    }
}

/// Where in its messages a body is.
#[derive(Default)]
struct Framing {
    head: [u8; HEAD],
    /// So much of the head is there.
    known: usize,
    /// So much of the message is not.
    left: usize,
}

impl Framing {
    /// Whether a message has begun that has not ended.
    fn is_within(&self) -> bool {
        self.known > 0
    }

    /// Goes on by the bytes. Returns whether a message ended among them; the length of one that is above the limit is the error.
    fn take(&mut self, mut bytes: &[u8], limit: usize) -> Result<bool, usize> {
        let mut whole = false;
        while !bytes.is_empty() {
            if self.known < HEAD {
                let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.known));
                self.head[self.known..self.known + head.len()].copy_from_slice(head);
                (self.known, bytes) = (self.known + head.len(), rest);
                if self.known < HEAD {
                    break;
                }
                let [_, length @ ..] = self.head;
                self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                if self.left > limit {
                    return Err(self.left);
                }
            } else {
                let taken = bytes.len().min(self.left);
                (self.left, bytes) = (self.left - taken, &bytes[taken..]);
            }
            if self.left == 0 {
                (self.known, whole) = (0, true);
            }
        }
        Ok(whole)
    }
}

/// How long messages may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Each wait for more of a message.
    pub(crate) read: Duration,
    /// A whole message.
    pub(crate) message: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { read: Duration::from_secs(10), message: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages, however the bytes are cut.
    #[test]
    fn the_ends_of_messages_are_seen_wherever_the_bytes_are_cut() {
        let bytes = [0, 0, 0, 0, 3, 1, 2, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9];
        for cut in 1..bytes.len() {
            let (mut framing, mut at, ends) = (Framing::default(), 0, [8, 13, 19]);
            for piece in bytes.chunks(cut) {
                let before = at;
                at += piece.len();
                let ended = ends.iter().any(|end| (before + 1..=at).contains(end));
                assert_eq!(framing.take(piece, 3), Ok(ended), "{cut}: {at}");
                assert_eq!(framing.is_within(), !ends.contains(&at), "{cut}: {at}");
            }
        }
    }

    #[test]
    fn a_message_above_the_limit_is_refused_by_its_head() {
        let mut framing = Framing::default();
        assert_eq!(framing.take(&[0, 0, 0, 1], 256), Ok(false));
        assert_eq!(framing.take(&[1], 256), Err(257));
        assert_eq!(Framing::default().take(&[0, 0, 0, 1, 0], 256), Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_in_which_nobody_asked_is_no_more_than_one() {
        let patience = Patience { read: Duration::from_secs(1), message: Duration::from_secs(3) };
        let (mut clock, mut asked) = (Clock::default(), 0);
        let mut wait = async |clock: &mut Clock, elsewhere: u64| {
            asked += 1;
            let pending = std::future::poll_fn(|task| Poll::Ready(clock.poll(patience, task).is_pending())).await;
            tokio::time::advance(Duration::from_millis(elsewhere)).await;
            clock.stop(patience.read);
            pending
        };
        assert!(wait(&mut clock, 60_000).await);
        assert_eq!(clock.waited, patience.read);
        assert!(wait(&mut clock, 500).await);
        assert_eq!(clock.waited, patience.read * 3 / 2);
        assert!(wait(&mut clock, 1500).await && wait(&mut clock, 500).await);
        assert!(!wait(&mut clock, 0).await, "the message has taken all of its time");
        assert_eq!(asked, 5);
    }
}
