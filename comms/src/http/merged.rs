//! A service of another make, which answers what no route does.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::response::Response;
use futures_util::future::BoxFuture;
use hyper::Request;
use tower_service::Service;

type Call = dyn Fn(Request<Body>) -> BoxFuture<'static, Response> + Send + Sync;

/// The service, without its type.
#[derive(Clone)]
pub(crate) struct Merged(Arc<Call>);

impl Merged {
    pub(crate) fn of<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    {
        Self(Arc::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move {
                let answered = match poll_fn(|task| service.poll_ready(task)).await {
                    Ok(()) => service.call(request).await,
                    Err(never) => Err(never),
                };
                answered.unwrap_or_else(|never| match never {})
            })
        }))
    }

    pub(super) fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response> {
        (self.0)(request)
    }
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Merged")
    }
}
