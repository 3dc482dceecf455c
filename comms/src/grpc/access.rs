//! What the log says of a call.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::http::HeaderMap;
use tonic::body::Body;
use tonic::{Code, Status};

use super::Answer;
use crate::context::Context;

const STATUS: &str = "grpc-status";

/// The line of one call. One that is dropped before its end was abandoned by its caller.
pub(super) struct Access {
    service: &'static str,
    method: &'static str,
    context: Context,
    begun: Instant,
    ended: bool,
}

impl Access {
    pub(super) fn begin(service: &'static str, method: &'static str, context: Context) -> Self {
        Self { service, method, context, begun: Instant::now(), ended: false }
    }

    /// No line where none is wanted.
    pub(super) fn if_wanted(mut self, wanted: bool) -> Self {
        self.ended = !wanted;
        self
    }

    /// The answer, which ends the line with its own end.
    pub(super) fn over(mut self, answer: Answer) -> Answer {
        if self.ended {
            return answer;
        }
        if answer.headers().contains_key(STATUS) {
            self.end(code(answer.headers()));
            return answer;
        }
        answer.map(|body| Body::new(Logged { body, access: self }))
    }

    fn end(&mut self, code: Code) {
        if !std::mem::replace(&mut self.ended, true) {
            self.log(Some(code as i32), "call");
        }
    }

    fn log(&mut self, code: Option<i32>, message: &'static str) {
        let duration_ms = self.begun.elapsed().as_secs_f64() * 1000.0;
        let Self { service, method, context, .. } = self;
        let id = context.correlation().cloned();
        let request_id = id.as_ref().map(tracing::field::display);
        context.enter(|| {
            tracing::info!(
                target: "comms::grpc",
                { rpc.service = *service, rpc.method = *method, rpc.grpc.status_code = code, duration_ms, request_id },
                "{message}"
            );
        });
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        if !self.ended {
            self.log(None, "the caller went away before its call was answered");
        }
    }
}

fn code(headers: &HeaderMap) -> Code {
    headers.get(STATUS).map_or(Code::Unknown, |status| Code::from_bytes(status.as_bytes()))
}

/// An answer whose last word is the status of the call.
struct Logged {
    body: Body,
    access: Access,
}

impl HttpBody for Logged {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(task));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.access.end(code(trailers));
                }
            }
            Some(Err(status)) => self.access.end(status.code()),
            None => self.access.end(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
