//! One call at the server: from an HTTP request to the handler, and back.

use std::future::{Future, Ready, ready};
use std::sync::Arc;

use futures_util::Stream;
use futures_util::future::Either;
use hyper::http;
use prost::Message;
use tonic::server::{ClientStreamingService, Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Extensions, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::arrival::Arrival;
use super::deadline::Deadline;
use super::fault::ServiceError;
use super::guard::{Guarded, Work};
use super::metadata::AtHand;
use super::terms::{End, Limit, Terms};
use super::{GrpcError, Inbound, Metadata, MethodDecl, Outbound, Serves, headers};
use crate::context::Context;
use crate::http::Body;

/// What goes back: an HTTP response with messages and the status in its body.
pub type Answer = http::Response<tonic::body::Body>;

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
        let Self { request, method, work, terms } = self;
        let (metadata, limit) = (work.metadata.metadata(), terms.answer_limit_of(method));
        let service = Handler::new(|request: Request<Q>| sized(limit, outcome(metadata.clone(), handler(arrived(&metadata, request)))));
        let request = request.map(|body| Arrival::single(body, method, Arc::clone(&terms)));
        terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).unary(service, request).await
    }

    /// Answers a stream of requests.
    pub async fn client_streaming<Q, A, E, F>(self, handler: impl FnOnce(Inbound<Q>) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<A, E>> + Send,
    {
        let Self { request, method, work, terms } = self;
        let (metadata, end, limit) = (work.metadata.metadata(), terms.end(), terms.answer_limit_of(method));
        let service = Handler::new(|request: Request<Streaming<Q>>| {
            sized(limit, outcome(metadata.clone(), handler(inbound(arrived(&metadata, request), end))))
        });
        let request = request.map(|body| Arrival::stream(body, method, Arc::clone(&terms)));
        terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).client_streaming(service, request).await
    }

    /// Answers one request with a stream.
    pub async fn server_streaming<Q, A, E, F>(self, handler: impl FnOnce(Q) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<Outbound<A, E>, E>> + Send,
    {
        let Self { request, method, work, terms } = self;
        let (end, limit) = (terms.end(), terms.answer_limit_of(method));
        let service = Handler::new(|request: Request<Q>| {
            let request = arrived(&work.metadata.metadata(), request);
            stream_of(&work, limit, handler(request))
        });
        let request = request.map(|body| Arrival::single(body, method, Arc::clone(&terms)));
        let answer = terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).server_streaming(service, request).await;
        work.over(answer, end)
    }

    /// Answers a stream of requests with a stream.
    pub async fn bidirectional<Q, A, E, F>(self, handler: impl FnOnce(Inbound<Q>) -> F + Send) -> Answer
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
        E: ServiceError,
        F: Future<Output = Result<Outbound<A, E>, E>> + Send,
    {
        let Self { request, method, work, terms } = self;
        let (end, none_further, limit) = (terms.end(), terms.end(), terms.answer_limit_of(method));
        let service = Handler::new(|request: Request<Streaming<Q>>| {
            let requests = inbound(arrived(&work.metadata.metadata(), request), none_further);
            stream_of(&work, limit, handler(requests))
        });
        let request = request.map(|body| Arrival::stream(body, method, Arc::clone(&terms)));
        let answer = terms.apply(Grpc::new(ProstCodec::<A, Q>::new())).streaming(service, request).await;
        work.over(answer, end)
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
            Either::Left(work.run(Box::pin(D::serve(service, call))))
        }
        Err(refusal) => Either::Right(ready(refusal.into_http())),
    }
}

/// The method that a path ends with.
fn method<'a>(methods: &'a [MethodDecl], path: &str) -> Option<&'a MethodDecl> {
    let called = path.rsplit('/').next().unwrap_or_default();
    methods.iter().find(|method| method.name == called)
}

/// The call of the method, within the time that its caller gives it.
pub(super) fn accept(request: http::Request<Body>, method: &'static str, context: Context, terms: &Arc<Terms>) -> Result<Call, Status> {
    let wanted = headers::timeout(request.headers()).map_err(GrpcError::into_answer)?;
    let (deadline, timeout) = (Deadline::earlier(wanted, terms.timeout), [wanted, terms.timeout].into_iter().flatten().min());
    let work = Work { context: headers::within(context, timeout), deadline, metadata: AtHand::new() };
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

/// The answer, if it is not too large.
async fn sized<A: Message>(
    limit: Option<Limit>,
    answering: impl Future<Output = Result<Response<A>, Status>> + Send,
) -> Result<Response<A>, Status> {
    let (headers, answer, extensions) = answering.await?.into_parts();
    Ok(Response::from_parts(headers, Limit::check(limit, answer)?, extensions))
}

async fn stream_of<A: Message, E: ServiceError>(
    work: &Work,
    limit: Option<Limit>,
    answering: impl Future<Output = Result<Outbound<A, E>, E>> + Send,
) -> Result<Response<Guarded<A, E>>, Status> {
    let answered = outcome(work.metadata.metadata(), answering).await;
    answered.map(|answer| answer.map(|answers| Guarded::new(limit, answers)))
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
