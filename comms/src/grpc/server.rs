//! The server adapter: a service of HTTP requests out of what implements a generated trait.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::http;
use tonic::server::NamedService;

use super::terms::Terms;
use super::{Answer, Descriptor, Serves, call};
use crate::error::BoxError;
use crate::http::Body;

/// Serves the service of the descriptor `D` with `S`, which implements its trait. Generated code has a name for it:
/// `InventoryServer<S>`.
///
/// It is a tower service for [`tonic::transport::Server::builder`], `add_service`. Each call
///
/// - runs in a [`Context`](crate::Context) of its own, with the correlation (`x-request-id`) and the trace
///   (`traceparent`) of its caller, or new ones;
/// - is dropped when its caller goes away;
/// - ends with `DeadlineExceeded` when its caller begins a message and does not send the rest of it in time;
/// - is dropped at its deadline (`grpc-timeout`) and answered with `DeadlineExceeded`, streams of answers included;
/// - is answered with `Internal` when its handler panics; nothing else is touched by that.
pub struct Server<D, S> {
    service: Arc<S>,
    terms: Arc<Terms>,
    descriptor: PhantomData<fn() -> D>,
}

impl<D: Serves<S>, S> Server<D, S> {
    /// Serves with the value.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self::shared(Arc::new(service))
    }

    /// Serves with a value that others hold too.
    #[must_use]
    pub fn shared(service: Arc<S>) -> Self {
        Self { service, terms: Arc::default(), descriptor: PhantomData }
    }

    /// Refuses request messages of more bytes with `OutOfRange`; 4 MiB when nothing is said.
    #[must_use]
    pub fn request_limit(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.terms).request_limit = Some(bytes);
        self
    }

    /// Fails calls whose answers are messages of more bytes with `OutOfRange`.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.terms).answer_limit = Some(bytes);
        self
    }

    /// Waits so long for each piece of a request message: 10 s when nothing is said. A caller that sends nothing more of one that it has
    /// begun is told `DeadlineExceeded`. Between the messages of a stream it may be silent for as long as it likes.
    #[must_use]
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.terms).patience.read = timeout;
        self
    }

    /// Waits so long for a whole request message: 60 s when nothing is said.
    #[must_use]
    pub fn message_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.terms).patience.message = timeout;
        self
    }

    /// Compresses answers with gzip for callers that can read it. What callers compress is read in any case.
    #[must_use]
    pub fn compression(mut self, compression: bool) -> Self {
        Arc::make_mut(&mut self.terms).compression = compression;
        self
    }
}

impl<D, S> Clone for Server<D, S> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service), terms: Arc::clone(&self.terms), descriptor: PhantomData }
    }
}

impl<D: Descriptor, S> fmt::Debug for Server<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("service", &D::NAME).field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl<D: Descriptor, S> NamedService for Server<D, S> {
    const NAME: &'static str = D::NAME;
}

impl<D, S, B> tower_service::Service<http::Request<B>> for Server<D, S>
where
    D: Serves<S>,
    S: Send + Sync + 'static,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let answering = call::answer::<D, S>(Arc::clone(&self.service), &self.terms, request.map(Body::new));
        Box::pin(async move { Ok(answering.await) })
    }
}
