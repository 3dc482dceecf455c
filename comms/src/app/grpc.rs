//! The gRPC services of an application: registered, checked, bound to its services, answered.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::grpc_standard::{self as standard, Known};
use super::model::{GrpcMethodModel, GrpcModel};
use super::problems::Problems;
use super::{AppBuilder, Service};
use crate::config::{Config, GrpcConfig};
use crate::grpc::{Entry, MethodDecl, MethodKind, Serves, Table, Terms};
use crate::http::{Body, Request, Response};
use crate::inject::{InjectError, Scope};
use crate::location::Location;

impl AppBuilder {
    /// Answers the gRPC service of the descriptor `D` with the service `S`, which implements the trait that was generated for it. The port
    /// is opened when there is one.
    pub fn grpc<D: Serves<S>, S: Service>(mut self) -> Self {
        self.routes.grpc.0.push(GrpcEntry {
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
    files: &'static [u8],
    service: &'static str,
    location: Location,
    bind: fn(&Scope, &Arc<Terms>) -> Result<Entry, InjectError>,
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
        }
    }

    /// The gRPC services that the service answers, for people.
    pub(super) fn models(&self, service: &str) -> Vec<GrpcModel> {
        self.0.iter().filter(|entry| entry.service == service).map(model).collect()
    }

    /// Binds them to their services.
    pub(super) fn bind(self, scope: &Scope, config: &Config, problems: &mut Problems) -> Grpc {
        let end = CancellationToken::new();
        let terms = Arc::new(terms(&config.grpc, &end));
        let known: Vec<Known> = self.0.iter().map(known).collect();
        let health = scope.get().unwrap_or_default();
        let standard = standard::entries(&known, &config.grpc, health, &terms);
        let bound = |entry: &GrpcEntry| {
            let bound = (entry.bind)(scope, &terms);
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
    }
}

fn model(entry: &GrpcEntry) -> GrpcModel {
    let method = |method: &MethodDecl| GrpcMethodModel { name: method.name, kind: kind(method.kind) };
    GrpcModel { name: entry.name, methods: entry.methods.iter().map(method).collect() }
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
