//! Work on a call: in its context, until its deadline, with panics kept inside.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use prost::Message;
use tonic::Status;
use tonic::body::Body;

use super::deadline::{Deadline, Timer};
use super::fault::{self, ServiceError};
use super::metadata::AtHand;
use super::terms::{End, Limit};
use super::{Answer, Outbound};
use crate::context::Context;
use crate::error::panic_text;

/// The bounds of the work on one call.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) context: Context,
    pub(super) deadline: Deadline,
    pub(super) metadata: AtHand,
}

impl Work {
    /// Drives what answers the call. At the deadline, and after a panic, it is dropped.
    pub(super) async fn run(mut self, mut answering: BoxFuture<'_, Answer>) -> Answer {
        if self.deadline.has_passed() {
            return too_late(self.deadline);
        }
        let mut timer = None;
        poll_fn(|task| {
            if timer.as_mut().is_some_and(|timer: &mut Timer| timer.poll(task).is_ready()) {
                return Poll::Ready(too_late(self.deadline));
            }
            let polled = self.poll(|| answering.as_mut().poll(task)).unwrap_or_else(|status| Poll::Ready(status.into_http()));
            if polled.is_pending() && timer.is_none() {
                // Only what waits needs one.
                let timer = timer.insert(self.deadline.timer());
                return timer.poll(task).map(|()| too_late(self.deadline));
            }
            polled
        })
        .await
    }

    /// One step of the work; its panic as what the caller is told.
    fn poll<R>(&mut self, step: impl FnOnce() -> R) -> Result<R, Status> {
        self.enter(|| caught(step))
    }

    fn enter<R>(&mut self, step: impl FnOnce() -> R) -> R {
        let Self { context, metadata, .. } = self;
        metadata.enter(|| context.enter(step))
    }

    /// The answer whose messages are made in the context of the call. It is entered once for all that go into a frame.
    pub(super) fn over(self, answer: Answer) -> Answer {
        answer.map(|body| Body::new(Within { body, work: self }))
    }
}

fn caught<R>(step: impl FnOnce() -> R) -> Result<R, Status> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        log(panic.as_ref());
        fault::panicked().into_answer()
    })
}

/// The body of an answer, each step of it in the context of the call.
struct Within {
    body: Body,
    work: Work,
}

impl HttpBody for Within {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, work } = &mut *self;
        work.enter(|| Pin::new(body).poll_frame(task))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_late(deadline: Deadline) -> Answer {
    deadline.exceeded().into_answer().into_http()
}

fn log(panic: &(dyn Any + Send)) {
    tracing::error!(target: "comms::grpc", panic = panic_text(panic), "a gRPC handler panicked");
}

/// A stream of answers within the bounds of its call, whose context is that of [`Work::over`]. It ends with its first error, and then
/// holds nothing.
pub(super) struct Guarded<T, E> {
    deadline: Deadline,
    timer: Timer,
    end: End,
    limit: Option<Limit>,
    answers: Option<Outbound<T, E>>,
}

impl<T, E> Guarded<T, E> {
    pub(super) fn new(deadline: Deadline, end: End, limit: Option<Limit>, answers: Outbound<T, E>) -> Self {
        Self { deadline, timer: deadline.timer(), end, limit, answers: Some(answers) }
    }
}

impl<T, E> Unpin for Guarded<T, E> {}

impl<T: Message, E: ServiceError> Stream for Guarded<T, E> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(answers) = &mut this.answers else { return Poll::Ready(None) };
        let polled = if this.timer.poll(task).is_ready() {
            Poll::Ready(Some(Err(this.deadline.exceeded().into_answer())))
        } else if let Some(error) = this.end.now() {
            Poll::Ready(Some(Err(error.into_answer())))
        } else {
            match caught(|| next(answers, this.limit, task)) {
                Ok(Poll::Pending) => this.end.poll(task).map(|error| Some(Err(error.into_answer()))),
                Ok(next) => next,
                Err(status) => Poll::Ready(Some(Err(status))),
            }
        };
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            this.answers = None;
        }
        polled
    }
}

/// An error may be logged.
fn next<T: Message, E: ServiceError>(
    answers: &mut Outbound<T, E>,
    limit: Option<Limit>,
    task: &mut Task<'_>,
) -> Poll<Option<Result<T, Status>>> {
    let checked = |answer: Result<T, E>| match answer {
        Ok(answer) => Limit::check(limit, answer),
        Err(error) => Err(error.into_grpc().into_answer()),
    };
    Pin::new(answers).poll_next(task).map(|next| next.map(checked))
}
