//! The gRPC services of an application, by name.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::header::{ALLOW, CONTENT_TYPE};
use tonic::Status;

use super::access::Access;
use super::call::{accept, unknown};
use super::terms::Terms;
use super::{Answer, Call, MethodDecl, MethodKind, Serves, headers};
use crate::http::{self, Body, IntoResponse, Problem, Request, Response};
use crate::metrics::{RequestCounters, RequestName};

type Serve = Box<dyn Fn(Call) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A gRPC service with what answers it, without types.
pub(crate) struct Entry {
    name: &'static str,
    methods: Vec<Method>,
    /// The service of the application that answers.
    owner: &'static str,
    /// Whether its calls are worth a line in the log.
    logged: bool,
    serve: Serve,
}

impl Entry {
    /// The service of the descriptor, answered by `S`.
    pub(crate) fn of<D: Serves<S>, S: Send + Sync + 'static>(owner: &'static str, service: Arc<S>, terms: &Arc<Terms>) -> Self {
        let serve = move |call: Call| -> BoxFuture<'static, Answer> { Box::pin(D::serve(Arc::clone(&service), call)) };
        let methods = D::METHODS.iter().map(|decl| Method { decl, terms: Arc::clone(terms), counters: Arc::default() }).collect();
        Self { name: D::NAME, methods, owner, logged: true, serve: Box::new(serve) }
    }

    /// Its full name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The same with other terms for some of the methods.
    pub(crate) fn with_terms(mut self, terms: impl Fn(&MethodDecl) -> Option<Arc<Terms>>) -> Self {
        for method in &mut self.methods {
            if let Some(terms) = terms(method.decl) {
                method.terms = terms;
            }
        }
        self
    }

    /// What its methods count, each under its name; nothing where there are no lines in the log either.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (RequestName, Arc<RequestCounters>)> {
        let methods = self.methods.iter().filter(|_| self.logged);
        methods.map(|method| (RequestName::Grpc { service: self.name, method: method.decl.name }, Arc::clone(&method.counters)))
    }

    /// The same without lines in the log: what machines ask every second.
    pub(crate) fn quiet(self) -> Self {
        Self { logged: false, ..self }
    }
}

/// A method with its terms.
struct Method {
    decl: &'static MethodDecl,
    terms: Arc<Terms>,
    counters: Arc<RequestCounters>,
}

/// All gRPC services of an application.
#[derive(Default)]
pub(crate) struct Table {
    services: HashMap<&'static str, Entry>,
}

impl Table {
    /// The table of the services.
    pub(crate) fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self { services: entries.into_iter().map(|entry| (entry.name, entry)).collect() }
    }

    /// Whether a request is a call of gRPC: what browsers send, `application/grpc-web`, is not.
    pub(crate) fn is_call<B>(request: &Request<B>) -> bool {
        let kind = request.headers().get(CONTENT_TYPE).map(hyper::header::HeaderValue::as_bytes);
        let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+proto") || rest.starts_with(b";"))
    }

    /// Answers a call. Never fails: what goes wrong is an answer too.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response {
        if request.method() != http::Method::POST {
            return Problem::new(405).header(ALLOW, hyper::header::HeaderValue::from_static("POST")).into_response();
        }
        let context = headers::context(request.headers());
        let mut answer = match self.find(request.uri().path()) {
            Some((entry, method)) => entry.answer(method, context.clone(), request).await,
            None => refused(Access::begin("", "", context.clone()), unknown(request.uri().path())),
        };
        headers::echo(&context, answer.headers_mut());
        answer
    }

    /// The answer of a port that answers no call.
    pub(crate) fn elsewhere() -> Response {
        Status::unimplemented("no gRPC is answered at this port").into_http()
    }

    /// `/shop.inventory.v1.Inventory/Reserve`.
    fn find(&self, path: &str) -> Option<(&Entry, &Method)> {
        let (service, called) = path.strip_prefix('/')?.split_once('/')?;
        let entry = self.services.get(service)?;
        Some((entry, entry.methods.iter().find(|method| method.decl.name == called)?))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.services.keys()).finish()
    }
}

impl Entry {
    async fn answer(&self, method: &Method, context: crate::Context, request: Request<Body>) -> Response {
        let Method { decl: MethodDecl { name, kind, .. }, terms, counters } = method;
        let context = context.of_handler(self.owner, name);
        let streams = (*kind != MethodKind::Unary).then_some(terms);
        let access = Access::begin(self.name, name, context.clone()).if_wanted(self.logged).counted(counters).streaming(streams);
        match accept(request, name, context, terms) {
            Ok(call) => {
                let work = call.work.clone();
                access.over(work.run((self.serve)(call)).await)
            }
            Err(refusal) => refused(access, refusal),
        }
    }
}

fn refused(access: Access, refusal: Status) -> Response {
    access.over(refusal.into_http())
}
