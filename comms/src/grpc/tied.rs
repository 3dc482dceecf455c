//! Ties the requests of a call to its answers.
//!
//! A caller that drops the answers has left the call. HTTP/2 does not end a stream for that as long as its other
//! half, the requests, goes on; and were they merely ended, the server would take them for complete.

use std::pin::Pin;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::http;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService;

use super::Transport;

/// A transport whose requests break off when the token is cancelled.
#[derive(Clone)]
pub(super) struct Tied<T> {
    pub(super) transport: T,
    pub(super) token: CancellationToken,
}

impl<T: Transport> tower_service::Service<http::Request<Body>> for Tied<T> {
    type Response = http::Response<T::ResponseBody>;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), T::Error>> {
        GrpcService::poll_ready(&mut self.transport, task)
    }

    fn call(&mut self, request: http::Request<Body>) -> T::Future {
        let left = Box::pin(self.token.clone().cancelled_owned());
        GrpcService::call(&mut self.transport, request.map(|requests| Body::new(Requests { requests, left })))
    }
}

struct Requests {
    requests: Body,
    left: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl HttpBody for Requests {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.left.as_mut().poll(task).is_ready() {
            return Poll::Ready(Some(Err(Status::cancelled("the caller has left the call"))));
        }
        Pin::new(&mut self.requests).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.requests.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.requests.size_hint()
    }
}
