//! A tower service, as a channel calls it: one in this very process, or one that layers were put around.

use std::convert::Infallible;
use std::future::poll_fn;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use tower_service::Service;

use crate::error::BoxError;

/// Any such service, without its type.
pub(super) trait Carries: Send + Sync {
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, BoxError>>;
}

/// A service with its type.
pub(super) struct Typed<S>(pub(super) S);

impl<S, B> Carries for Typed<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    /// What the service waits for before it is ready is a part of the call: dropping the call lets go of it.
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, BoxError>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            poll_fn(|task| service.poll_ready(task)).await.map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(response.map(Body::new))
        })
    }
}

/// A function that answers requests, as a service that is always ready.
#[derive(Clone)]
pub(crate) struct Answering<F>(pub(crate) F);

impl<F, A> Service<Request<Body>> for Answering<F>
where
    F: Fn(Request<Body>) -> A,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = (self.0)(request);
        Box::pin(async move { Ok(answer.await) })
    }
}
