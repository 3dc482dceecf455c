//! Layers of tower, as a project would write them.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use comms::BoxError;
use comms::client::{CallInfo, Channel, TransportError};
use comms::http::{Body, Response};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};
use tower::retry::{Policy, RetryLayer};
use tower::{Layer, Service};

/// Keeps the bytes of bodies, so that they can be sent again.
#[derive(Clone)]
pub struct Kept<S>(S);

impl<S> Service<Request<Body>> for Kept<S>
where
    S: Service<Request<Full<Bytes>>, Future: Send, Error: Into<BoxError>> + Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(task).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let next = self.0.clone();
        let mut ready = std::mem::replace(&mut self.0, next);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = Full::new(body.collect().await?.to_bytes());
            ready.call(Request::from_parts(parts, body)).await.map_err(Into::into)
        })
    }
}

/// Repeats what may be repeated, so often.
#[derive(Clone)]
pub struct Attempts(usize);

impl Policy<Request<Full<Bytes>>, Response, TransportError> for Attempts {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<Full<Bytes>>, result: &mut Result<Response, TransportError>) -> Option<Ready<()>> {
        self.0 = self.0.checked_sub(1)?;
        result.is_err().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        request.extensions().get::<CallInfo>().filter(|info| info.is_repeatable()).map(|_| request.clone())
    }
}

pub type Retries = ServiceBuilder<Stack<RetryLayer<Attempts>, Stack<KeepLayer, Identity>>>;

#[derive(Clone)]
pub struct KeepLayer;

impl<S> Layer<S> for KeepLayer {
    type Service = Kept<S>;

    fn layer(&self, inner: S) -> Kept<S> {
        Kept(inner)
    }
}

pub fn retries(times: usize) -> Retries {
    ServiceBuilder::new().layer(KeepLayer).layer(RetryLayer::new(Attempts(times)))
}

/// Writes down what it is told, lets pass what it may.
#[derive(Clone, Default)]
pub struct Told(pub Arc<Mutex<Vec<Option<CallInfo>>>>);

impl Told {
    pub fn last(&self) -> CallInfo {
        self.0.lock().unwrap().last().copied().flatten().expect("a call came by, and told of itself")
    }
}

impl<S> Layer<S> for Told {
    type Service = Telling<S>;

    fn layer(&self, inner: S) -> Telling<S> {
        Telling { told: self.clone(), inner }
    }
}

#[derive(Clone)]
pub struct Telling<S> {
    pub told: Told,
    pub inner: S,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Telling<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.told.0.lock().unwrap().push(request.extensions().get().copied());
        self.inner.call(request)
    }
}

/// Does something to each request, or gives up.
pub fn each(
    act: impl Fn(Request<Body>) -> Result<Request<Body>, BoxError> + Clone + Send + Sync + 'static,
) -> impl Layer<
    Channel,
    Service = impl Service<Request<Body>, Response = Response, Error = BoxError, Future: Send> + Clone + Send + Sync + 'static,
> + Clone
+ Send
+ Sync
+ 'static {
    tower::layer::layer_fn(move |channel: Channel| {
        let act = act.clone();
        tower::service_fn(move |request: Request<Body>| {
            let (channel, request) = (channel.clone(), act(request));
            async move { Ok::<_, BoxError>(channel.send(request?).await?) }
        })
    })
}
