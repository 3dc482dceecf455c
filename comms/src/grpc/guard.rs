//! Work on a call: in its context, until its deadline, with panics kept inside.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use prost::Message;
use tonic::Status;
use tonic::body::Body;

use super::deadline::{Deadline, Timer};
use super::fault::{self, ServiceError};
use super::metadata::AtHand;
use super::terms::{End, Limit};
use super::{Answer, GrpcError, Outbound};
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

    /// The answer with a stream of messages, each step of it within the bounds of the call.
    pub(super) fn over(self, answer: Answer, end: End) -> Answer {
        answer.map(|body| if body.is_end_stream() { body } else { Body::new(Within::new(body, self, end)) })
    }
}

fn caught<R>(step: impl FnOnce() -> R) -> Result<R, Status> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        log(panic.as_ref());
        fault::panicked().into_answer()
    })
}

/// The body of an answer: made in the context of the call, until its deadline or the end of all streams, which it tells its caller, and then
/// holds nothing. Once for all messages that go into a frame: what a stream has at hand is no more than that.
struct Within {
    body: Option<Body>,
    work: Work,
    timer: Timer,
    end: End,
}

impl Within {
    fn new(body: Body, work: Work, end: End) -> Self {
        let timer = work.deadline.timer();
        Self { body: Some(body), work, timer, end }
    }

    fn ending(&mut self, task: &mut Task<'_>) -> Option<GrpcError> {
        if self.timer.poll(task).is_ready() { Some(self.work.deadline.exceeded()) } else { self.end.now() }
    }

    fn end(&mut self, error: GrpcError) -> Result<Frame<Bytes>, Status> {
        // What is dropped may be the handler's: in its context, as all of it.
        let body = self.body.take();
        self.work.enter(|| drop(body));
        let mut trailers = HeaderMap::new();
        error.into_answer().add_header(&mut trailers)?;
        Ok(Frame::trailers(trailers))
    }
}

impl HttpBody for Within {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.body.is_none() {
            return Poll::Ready(None);
        }
        if let Some(error) = this.ending(task) {
            return Poll::Ready(Some(this.end(error)));
        }
        let Self { body: Some(body), work, .. } = this else { return Poll::Ready(None) };
        let polled = work.enter(|| Pin::new(body).poll_frame(task));
        if polled.is_pending() { this.end.poll(task).map(|error| Some(this.end(error))) } else { polled }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

fn too_late(deadline: Deadline) -> Answer {
    deadline.exceeded().into_answer().into_http()
}

fn log(panic: &(dyn Any + Send)) {
    tracing::error!(target: "comms::grpc", panic = panic_text(panic), "a gRPC handler panicked");
}

/// A stream of answers with its panics kept inside; its other bounds are those of [`Work::over`]. It ends with its first error, and then
/// holds nothing.
pub(super) struct Guarded<T, E> {
    limit: Option<Limit>,
    answers: Option<Outbound<T, E>>,
}

impl<T, E> Guarded<T, E> {
    pub(super) fn new(limit: Option<Limit>, answers: Outbound<T, E>) -> Self {
        Self { limit, answers: Some(answers) }
    }
}

impl<T, E> Unpin for Guarded<T, E> {}

impl<T: Message, E: ServiceError> Stream for Guarded<T, E> {
    type Item = Result<T, Status>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(answers) = &mut this.answers else { return Poll::Ready(None) };
        let polled = caught(|| next(answers, this.limit, task)).unwrap_or_else(|status| Poll::Ready(Some(Err(status))));
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            this.answers = None;
        }
        polled
    }
}

/// An error may be logged.
#[inline]
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
