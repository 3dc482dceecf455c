//! What carries calls.

use std::task::{Context as Task, Poll};

use futures_util::TryFutureExt as _;
use futures_util::future::MapOk;
use http_body_util::BodyExt as _;
use http_body_util::combinators::MapErr;
use hyper::body::Body as HttpBody;
use hyper::http;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::{Code, Status};

use crate::client::http2::BodyLost;
use crate::error::{BoxError, chain};

/// What carries calls to a server: a [`Channel`](crate::client::Channel), a channel behind tower layers, or a server in this very
/// process.
///
/// Everything that can be called with HTTP requests and be cloned is one.
pub trait Transport:
    GrpcService<Body, ResponseBody: HttpBody<Error: Into<BoxError>> + Send + 'static, Error: Send, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<T> Transport for T
where
    T: GrpcService<Body, Error: Send, Future: Send> + Clone + Send + Sync + 'static,
    T::ResponseBody: HttpBody<Error: Into<BoxError>> + Send + 'static,
{
}

/// A transport whose broken answers end with the code of what broke them: tonic knows it of hyper's only.
pub(super) struct Told<T>(pub(super) T);

/// The body of an answer of such a transport.
type Answer<B> = MapErr<B, fn(<B as HttpBody>::Error) -> BoxError>;

impl<T> tower_service::Service<http::Request<Body>> for Told<T>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Error: Into<BoxError>>,
{
    type Response = http::Response<Answer<T::ResponseBody>>;
    type Error = T::Error;
    type Future = MapOk<T::Future, fn(http::Response<T::ResponseBody>) -> Self::Response>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), T::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request).map_ok(|answer| answer.map(|body| body.map_err(told as fn(_) -> BoxError)))
    }
}

fn told<E: Into<BoxError>>(error: E) -> BoxError {
    let error = error.into();
    let lost = chain(error.as_ref()).find_map(|error| error.downcast_ref::<BodyLost>());
    let status = lost.map(|lost| {
        let code = lost.0.reason().map_or(Code::Unknown, |reason| Status::from(h2::Error::from(reason)).code());
        Status::new(code, format!("h2 protocol error: {lost}"))
    });
    status.map_or(error, Into::into)
}
