//! A tower service, as a channel calls it: one in this very process, or one that layers were put around.

use std::future::poll_fn;

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
