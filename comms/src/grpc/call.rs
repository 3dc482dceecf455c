//! One call at the server: from an HTTP request to the handler, and back.

use std::future::{Future, Ready, ready};
use std::sync::Arc;

use futures_util::Stream;
use futures_util::future::Either;
use http_body_util::BodyExt;
use hyper::http;
use prost::Message;
use tonic::body::Body;
use tonic::server::{ClientStreamingService, Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Code, Extensions, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::deadline::Deadline;
use super::error::ServiceError;
use super::guard::{Guarded, Work};
use super::terms::{End, Terms};
use super::{GrpcError, Inbound, Metadata, MethodDecl, Outbound, Serves, headers};
use crate::context::Context;

/// What goes back: an HTTP response with messages and the status in its body.
pub type Answer = http::Response<Body>;

/// A call of a known method that is to be answered.
#[derive(Debug)]
pub struct Call {
    request: http::Request<Body>,
    method: &'static str,
    pub(super) work: Work,
    terms: Arc<Terms>,
}

impl Call {
    /// The name of the method on the wire, one of the service's [`METHODS`](super::Descriptor::METHODS).
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Answers one request.
    pub async fn unary<Q, A, E, F>(self, handler: impl FnOnce(Q) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<A, E>> + Send,
    {
        let metadata = self.work.metadata.clone();
        let service = Handler::new(|request: Request<Q>| outcome(metadata.clone(), handler(arrived(&metadata, request))));
        self.terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).unary(service, self.request).await
    }

    /// Answers a stream of requests.
    pub async fn client_streaming<Q, A, E, F>(self, handler: impl FnOnce(Inbound<Q>) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<A, E>> + Send,
    {
        let (metadata, end) = (self.work.metadata.clone(), self.terms.end());
        let service =
            Handler::new(|request: Request<Streaming<Q>>| outcome(metadata.clone(), handler(inbound(arrived(&metadata, request), end))));
        let request = self.request.map(honest);
        self.terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).client_streaming(service, request).await
    }

    /// Answers one request with a stream.
    pub async fn server_streaming<Q, A, E, F>(self, handler: impl FnOnce(Q) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<Outbound<A, E>, E>> + Send,
    {
        let (work, end) = (self.work.clone(), self.terms.end());
        let service = Handler::new(|request: Request<Q>| {
            let request = arrived(&work.metadata, request);
            stream_of(work, end, handler(request))
        });
        self.terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).server_streaming(service, self.request).await
    }

    /// Answers a stream of requests with a stream.
    pub async fn bidirectional<Q, A, E, F>(self, handler: impl FnOnce(Inbound<Q>) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<Outbound<A, E>, E>> + Send,
    {
        let (work, end, none_further) = (self.work.clone(), self.terms.end(), self.terms.end());
        let service = Handler::new(|request: Request<Streaming<Q>>| {
            let requests = inbound(arrived(&work.metadata, request), none_further);
            stream_of(work, end, handler(requests))
        });
        let request = self.request.map(honest);
        self.terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).streaming(service, request).await
    }

    /// Answers that there is no such method.
    #[must_use]
    pub fn unimplemented(self) -> Answer {
        unknown(self.request.uri().path()).into_http()
    }
}

/// Answers a request for the service: the method is looked up, and the bounds of the work are drawn, at once.
pub(super) fn answer<D: Serves<S>, S: Send + Sync + 'static>(
    service: Arc<S>,
    terms: &Arc<Terms>,
    request: http::Request<Body>,
) -> impl Future<Output = Answer> + Send + use<D, S> {
    let called = method(D::METHODS, request.uri().path());
    let accepted = called.ok_or_else(|| unknown(request.uri().path())).and_then(|method| {
        let context = headers::context(request.headers()).of_handler(D::NAME, method.name);
        accept(request, method.name, context, terms)
    });
    match accepted {
        Ok(call) => {
            let work = call.work.clone();
            Either::Left(work.run(D::serve(service, call)))
        }
        Err(refusal) => Either::Right(ready(refusal.into_http())),
    }
}

/// The method that a path ends with.
pub(super) fn method<'a>(methods: &'a [MethodDecl], path: &str) -> Option<&'a MethodDecl> {
    let called = path.rsplit('/').next().unwrap_or_default();
    methods.iter().find(|method| method.name == called)
}

/// The call of the method, within the time that its caller gives it.
pub(super) fn accept(request: http::Request<Body>, method: &'static str, context: Context, terms: &Arc<Terms>) -> Result<Call, Status> {
    let timeout = headers::timeout(request.headers()).map_err(GrpcError::into_answer)?;
    let work = Work { context: headers::within(context, timeout), deadline: Deadline::after(timeout), metadata: Metadata::default() };
    Ok(Call { request, method, work, terms: Arc::clone(terms) })
}

pub(super) fn unknown(path: &str) -> Status {
    Status::unimplemented(format!("there is no method `{path}` here"))
}

/// The message of a request whose metadata is kept for the handler.
fn arrived<Q>(metadata: &Metadata, request: Request<Q>) -> Q {
    let (headers, _, message) = request.into_parts();
    metadata.arrived(headers);
    message
}

/// The requests of a call. The deadline is kept by what drives the handler.
fn inbound<Q>(requests: Streaming<Q>, end: End) -> Inbound<Q> {
    Inbound::new(requests, Deadline::after(None)).until(end)
}

/// tonic takes a stream of requests that its caller cancelled for one that has ended: the handler would take half of
/// it for the whole.
fn honest(body: Body) -> Body {
    Body::new(body.map_err(|status| match status.code() {
        Code::Cancelled => Status::aborted("the caller went away before its stream had ended"),
        _ => status,
    }))
}

/// What the handler came to, with what it sends along.
async fn outcome<A, E: ServiceError>(
    metadata: Metadata,
    answering: impl Future<Output = Result<A, E>> + Send,
) -> Result<Response<A>, Status> {
    match answering.await {
        Ok(answer) => Ok(Response::from_parts(metadata.take_answer(), answer, Extensions::new())),
        Err(error) => {
            let mut status = error.into_grpc().into_answer();
            *status.metadata_mut() = metadata.take_answer();
            Err(status)
        }
    }
}

async fn stream_of<A, E: ServiceError>(
    work: Work,
    end: End,
    answering: impl Future<Output = Result<Outbound<A, E>, E>> + Send,
) -> Result<Response<Guarded<A, E>>, Status> {
    let answered = outcome(work.metadata.clone(), answering).await;
    answered.map(|answer| answer.map(|answers| Guarded::new(work, end, answers)))
}

/// A handler as tonic takes it. It is called once, since it lives for one call.
struct Handler<H>(Option<H>);

impl<H> Handler<H> {
    fn new(handler: H) -> Self {
        Self(Some(handler))
    }

    fn once<Q, R, F>(&mut self, request: Q) -> Either<F, Ready<Result<R, Status>>>
    where
        H: FnOnce(Q) -> F,
    {
        match self.0.take() {
            Some(handler) => Either::Left(handler(request)),
            None => Either::Right(ready(Err(Status::internal("one call was answered twice")))),
        }
    }
}

impl<Q, A, H, F> UnaryService<Q> for Handler<H>
where
    H: FnOnce(Request<Q>) -> F,
    F: Future<Output = Result<Response<A>, Status>>,
{
    type Response = A;
    type Future = Either<F, Ready<F::Output>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        self.once(request)
    }
}

impl<Q, A, H, F> ClientStreamingService<Q> for Handler<H>
where
    H: FnOnce(Request<Streaming<Q>>) -> F,
    F: Future<Output = Result<Response<A>, Status>>,
{
    type Response = A;
    type Future = Either<F, Ready<F::Output>>;

    fn call(&mut self, request: Request<Streaming<Q>>) -> Self::Future {
        self.once(request)
    }
}

impl<Q, A, H, F, S> ServerStreamingService<Q> for Handler<H>
where
    H: FnOnce(Request<Q>) -> F,
    F: Future<Output = Result<Response<S>, Status>>,
    S: Stream<Item = Result<A, Status>>,
{
    type Response = A;
    type ResponseStream = S;
    type Future = Either<F, Ready<F::Output>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        self.once(request)
    }
}

impl<Q, A, H, F, S> StreamingService<Q> for Handler<H>
where
    H: FnOnce(Request<Streaming<Q>>) -> F,
    F: Future<Output = Result<Response<S>, Status>>,
    S: Stream<Item = Result<A, Status>>,
{
    type Response = A;
    type ResponseStream = S;
    type Future = Either<F, Ready<F::Output>>;

    fn call(&mut self, request: Request<Streaming<Q>>) -> Self::Future {
        self.once(request)
    }
}
