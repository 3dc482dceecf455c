//! The gRPC services of an application: registered, checked, bound to its services, answered.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::grpc_standard::{self as standard, Known};
use super::model::{GrpcMethodModel, GrpcModel};
use super::problems::Problems;
use super::{AppBuilder, Service, overrides};
use crate::config::{Config, GrpcConfig};
use crate::grpc::{Entry, Idempotency, MethodDecl, MethodKind, Patience, RpcDecl, Serves, Table, Terms};
use crate::http::{Body, Request, Response};
use crate::inject::{InjectError, Scope};
use crate::location::Location;
use crate::metrics::Metrics;

impl AppBuilder {
    /// Answers the gRPC service of the descriptor `D` with the service `S`, which implements the trait that was generated for it. The port
    /// is opened when there is one.
    pub fn grpc<D: Serves<S>, S: Service>(self) -> Self {
        self.grpc_with::<D, S>(&[])
    }

    /// The same with what `#[rpc(..)]` says of some of its methods.
    pub fn grpc_with<D: Serves<S>, S: Service>(mut self, rpcs: &'static [RpcDecl]) -> Self {
        self.routes.grpc.0.push(GrpcEntry {
            rpcs,
            name: D::NAME,
            methods: D::METHODS,
            files: D::FILES,
            service: S::DECL.name,
            location: S::DECL.location,
            bind: bind::<D, S>,
        });
        self
    }
}

fn bind<D: Serves<S>, S: Service>(scope: &Scope, terms: &Arc<Terms>) -> Result<Entry, InjectError> {
    Ok(Entry::of::<D, S>(S::DECL.name, scope.get::<Arc<S>>()?, terms))
}

/// A gRPC service, without types.
#[derive(Clone, Debug)]
struct GrpcEntry {
    name: &'static str,
    methods: &'static [MethodDecl],
    rpcs: &'static [RpcDecl],
    files: &'static [u8],
    service: &'static str,
    location: Location,
    bind: fn(&Scope, &Arc<Terms>) -> Result<Entry, InjectError>,
}

impl GrpcEntry {
    /// What its attribute and the configuration say of a method.
    fn said(&self, method: &MethodDecl, config: &Config) -> Option<RpcDecl> {
        let declared = self.rpcs.iter().find(|rpc| rpc.method == method.handler).copied();
        overrides::rpc(declared, method.handler, self.location, &config.handler(self.service, method.handler))
    }

    /// The terms of a method of which something is said.
    fn terms_of(&self, method: &MethodDecl, config: &Config, terms: &Terms) -> Option<Arc<Terms>> {
        let RpcDecl { timeout, request_limit, answer_limit, .. } = self.said(method, config)?;
        let (method_request_limit, method_answer_limit) = (request_limit, answer_limit);
        Some(Arc::new(Terms { timeout, method_request_limit, method_answer_limit, ..terms.clone() }))
    }

    fn unknown_methods(&self) -> impl Iterator<Item = String> {
        let known = |rpc: &&RpcDecl| self.methods.iter().any(|method| method.handler == rpc.method);
        self.rpcs.iter().filter(move |rpc| !known(rpc)).map(|RpcDecl { method, location, .. }| {
            let methods: Vec<&str> = self.methods.iter().map(|method| method.handler).collect();
            let (service, methods) = (self.name, methods.join("`, `"));
            format!("something is said of `{method}` ({location}), which is no method of the gRPC service `{service}`: it has `{methods}`")
        })
    }
}

/// What was registered.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrpcServices(Vec<GrpcEntry>);

impl GrpcServices {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are called on the wire.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|entry| entry.name)
    }

    /// Everything that is wrong with them.
    pub(super) fn check(&self, problems: &mut Problems) {
        for (at, entry) in self.0.iter().enumerate() {
            if let Some(twin) = self.0[..at].iter().find(|other| other.name == entry.name) {
                problems.add(twice(twin, entry));
            }
            entry.unknown_methods().for_each(|problem| problems.add(problem));
        }
    }

    /// The gRPC services that the service answers, for people.
    pub(super) fn models(&self, service: &str, config: &Config) -> Vec<GrpcModel> {
        self.0.iter().filter(|entry| entry.service == service).map(|entry| model(entry, config)).collect()
    }

    /// Binds them to their services.
    pub(super) fn bind(self, scope: &Scope, config: &Config, problems: &mut Problems) -> Grpc {
        let end = CancellationToken::new();
        let terms = Arc::new(terms(&config.grpc, &end));
        let known: Vec<Known> = self.0.iter().map(known).collect();
        let health = scope.get().unwrap_or_default();
        let standard = standard::entries(&known, &config.grpc, health, &terms);
        let metrics = scope.get::<Metrics>().unwrap_or_default();
        let bound = |entry: &GrpcEntry| {
            let bound = (entry.bind)(scope, &terms);
            bound.iter().flat_map(Entry::counted).for_each(|(name, counters)| metrics.requests(name, counters));
            let bound = bound.map(|bound| bound.with_terms(|method| entry.terms_of(method, config, &terms)));
            problems
                .keep(bound.map_err(|error| format!("gRPC service `{}` of `{}` ({}): {error}", entry.name, entry.service, entry.location)))
        };
        Grpc { table: Table::new(self.0.iter().filter_map(bound).chain(standard)), end, grace: config.grpc.stream_grace }
    }
}

fn known(entry: &GrpcEntry) -> Known {
    Known { name: entry.name, owner: entry.service, files: entry.files }
}

fn twice(one: &GrpcEntry, other: &GrpcEntry) -> String {
    format!(
        "gRPC service `{}` twice: answered by service `{}` ({}) and by service `{}` ({}). One process has one answer to it: leave one of them out",
        one.name, one.service, one.location, other.service, other.location
    )
}

fn terms(config: &GrpcConfig, end: &CancellationToken) -> Terms {
    Terms {
        request_limit: Some(config.request_limit),
        answer_limit: Some(config.answer_limit),
        compression: config.compression,
        end: Some(end.clone()),
        patience: Patience { read: config.read_timeout, message: config.message_timeout },
        ..Terms::default()
    }
}

fn model(entry: &GrpcEntry, config: &Config) -> GrpcModel {
    let method = |method: &MethodDecl| {
        let said = entry.said(method, config);
        GrpcMethodModel {
            name: method.name,
            kind: kind(method.kind),
            handler: method.handler,
            idempotency: idempotency(method.idempotency),
            timeout: said.and_then(|said| said.timeout),
            request_limit: said.and_then(|said| said.request_limit),
            answer_limit: said.and_then(|said| said.answer_limit),
        }
    };
    GrpcModel { name: entry.name, methods: entry.methods.iter().map(method).collect() }
}

fn idempotency(idempotency: Idempotency) -> Option<&'static str> {
    match idempotency {
        Idempotency::Unknown => None,
        Idempotency::NoSideEffects => Some("no side effects"),
        Idempotency::Idempotent => Some("idempotent"),
    }
}

fn kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Unary => "unary",
        MethodKind::ClientStreaming => "client streaming",
        MethodKind::ServerStreaming => "server streaming",
        MethodKind::Bidirectional => "bidirectional",
    }
}

/// The gRPC services of an application that runs.
#[derive(Debug)]
pub(super) struct Grpc {
    table: Table,
    end: CancellationToken,
    grace: Duration,
}

impl Grpc {
    /// Whether the request is a call of gRPC.
    pub(super) fn takes(request: &Request<Body>) -> bool {
        Table::is_call(request)
    }

    /// The answer to a call at a port that answers none, in words that its caller understands.
    pub(super) fn elsewhere() -> Response {
        Table::elsewhere()
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Response {
        self.table.answer(request).await
    }

    /// Ends every stream once it has had the time to end by itself. Goes on until it is dropped.
    pub(super) async fn end_streams_late(&self) {
        tokio::time::sleep(self.grace).await;
        self.end_streams();
        std::future::pending().await
    }

    /// Ends every stream.
    pub(super) fn end_streams(&self) {
        self.end.cancel();
    }
}
