//! A service in this very process, as a channel calls it: no port, no bytes.

use std::convert::Infallible;
use std::future::poll_fn;

use axum_core::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};

use super::channel::LocalService;
use crate::error::BoxError;

/// Any service in this process, without its type.
pub(super) trait Local: Send + Sync {
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>>;
}

/// A service with its type.
pub(super) struct Typed<S>(pub(super) S);

impl<S, B> Local for Typed<S>
where
    S: LocalService<Response = Response<B>, Future: Send>,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            let ready: Result<(), Infallible> = poll_fn(|task| service.poll_ready(task)).await;
            let answered = match ready {
                Ok(()) => service.call(request).await,
                Err(never) => match never {},
            };
            match answered {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            }
        })
    }
}
