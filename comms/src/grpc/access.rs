//! What the log says of a call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::http::HeaderMap;
use tonic::body::Body;
use tonic::{Code, Status};

use super::Answer;
use super::terms::Terms;
use crate::context::Context;
use crate::http::{self, Response};
use crate::metrics::RequestCounters;

const STATUS: &str = "grpc-status";

/// The line of one call. One that is dropped before its end was abandoned by its caller.
pub(super) struct Access {
    service: &'static str,
    method: &'static str,
    context: Context,
    begun: Instant,
    ended: bool,
    counters: Option<Arc<RequestCounters>>,
    /// Of a call with streams, which end when the service stops.
    streams: Option<Arc<Terms>>,
}

impl Access {
    pub(super) fn begin(service: &'static str, method: &'static str, context: Context) -> Self {
        Self { service, method, context, begun: Instant::now(), ended: false, counters: None, streams: None }
    }

    /// No line where none is wanted.
    pub(super) fn if_wanted(mut self, wanted: bool) -> Self {
        self.ended = !wanted;
        self
    }

    /// It is counted as a call of its method.
    pub(super) fn counted(mut self, by: &Arc<RequestCounters>) -> Self {
        self.counters = Some(Arc::clone(by));
        self
    }

    /// Counts the call, of which there is a line in the log; how long it took, in milliseconds.
    fn count(&self, code: Option<i32>) -> f64 {
        let took = self.begun.elapsed();
        if let Some(counters) = &self.counters {
            code.map_or_else(|| counters.abandoned(took), |code| counters.called(code, took));
        }
        took.as_secs_f64() * 1000.0
    }

    /// That streams end with the service is no failure.
    pub(super) fn streaming(mut self, terms: Option<&Arc<Terms>>) -> Self {
        self.streams = terms.cloned();
        self
    }

    /// The answer, which ends the line with its own end.
    pub(super) fn over(mut self, answer: Answer) -> Response {
        if self.ended {
            return answer.map(http::Body::new);
        }
        if answer.headers().contains_key(STATUS) {
            self.end_with(answer.headers());
            return answer.map(http::Body::new);
        }
        answer.map(|body| http::Body::new(Logged { body, access: self }))
    }

    fn end_with(&mut self, headers: &HeaderMap) {
        match code(headers) {
            code if is_failure(code) => self.end(&Status::from_header_map(headers).unwrap_or_else(|| Status::new(code, ""))),
            code => self.end(&Status::new(code, "")),
        }
    }

    fn end(&mut self, status: &Status) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let code = status.code();
        if code == Code::Unavailable && self.streams.as_ref().is_some_and(|terms| terms.is_stopping()) {
            return self.log(Some(code as i32), "call ended, since the service is stopping");
        }
        if is_failure(code) { self.log_failure(code as i32, status.message()) } else { self.log(Some(code as i32), "call") }
    }

    fn log_failure(&mut self, code: i32, error: &str) {
        let duration_ms = self.count(Some(code));
        let Self { service, method, context, .. } = self;
        let id = context.correlation().cloned();
        let request_id = id.as_ref().map(tracing::field::display);
        context.enter(|| {
            tracing::error!(
                target: "comms::grpc",
                { rpc.service = *service, rpc.method = *method, rpc.grpc.status_code = code, duration_ms, request_id, error },
                "call failed"
            );
        });
    }

    fn log(&mut self, code: Option<i32>, message: &'static str) {
        let duration_ms = self.count(code);
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

/// Whether the service is to blame, and somebody should look.
fn is_failure(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable)
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
                    self.access.end_with(trailers);
                }
            }
            Some(Err(status)) => self.access.end(status),
            None => self.access.end(&Status::unknown("the answer ended without a status")),
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

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context as Layered, SubscriberExt as _};

    use super::*;

    /// Its level and its field `error`.
    type Line = (Level, Option<String>);

    /// The level of each line, and its field `error`.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<Line>>>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Layered<'_, S>) {
            let mut error = Error(None);
            event.record(&mut error);
            self.0.lock().unwrap().push((*event.metadata().level(), error.0));
        }
    }

    struct Error(Option<String>);

    impl Visit for Error {
        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == "error" {
                self.0 = Some(value.to_owned());
            }
        }

        fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
    }

    /// What the log says of a call that was answered with the status at once.
    fn line(status: Status) -> (Level, Option<String>) {
        line_of(Access::begin("shop.Inventory", "Reserve", Context::default()), status)
    }

    fn line_of(access: Access, status: Status) -> (Level, Option<String>) {
        let lines = Lines::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines.clone()), || {
            access.over(status.into_http());
        });
        let lines = lines.0.lock().unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    }

    #[test]
    fn what_the_service_failed_at_is_an_error_with_its_message() {
        for code in [Code::Internal, Code::Unknown, Code::DataLoss, Code::Unavailable] {
            let found = line(Status::new(code, "the shelf fell: 100 %"));
            assert_eq!(found, (Level::ERROR, Some("the shelf fell: 100 %".to_owned())), "{code:?}");
        }
    }

    #[test]
    fn a_stream_that_ends_with_its_service_is_no_error() {
        let end = tokio_util::sync::CancellationToken::new();
        let terms = Arc::new(Terms { end: Some(end.clone()), ..Terms::default() });
        let stream = || Access::begin("shop.Inventory", "Watch", Context::default()).streaming(Some(&terms));
        assert_eq!(line_of(stream(), Status::unavailable("moved")).0, Level::ERROR);
        end.cancel();
        assert_eq!(line_of(stream(), Status::unavailable("the service is stopping")), (Level::INFO, None));
        assert_eq!(line_of(stream(), Status::internal("the shelf fell")).0, Level::ERROR);
        assert_eq!(line(Status::unavailable("moved")).0, Level::ERROR, "a unary call");
    }

    #[test]
    fn what_the_caller_did_is_no_error() {
        for code in [Code::Ok, Code::NotFound, Code::InvalidArgument, Code::Cancelled, Code::FailedPrecondition] {
            assert_eq!(line(Status::new(code, "hunter2")), (Level::INFO, None), "{code:?}");
        }
    }
}
