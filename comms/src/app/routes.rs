//! The routes of an application: registered, checked, bound to their services, served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::contents::{ContentModel, Generators};
use super::model::{ParameterModel, RouteModel};
use super::problems::Problems;
use super::{App, AppBuilder, Service};
use crate::config::{Config, HttpConfig};
use crate::http::server::{Bound, Server, Site};
use crate::http::table::{self, Table};
use crate::http::{Body, Content, Endpoint, Method, ParameterDecl, Request, Response, Route, RouteDecl, respond};
use crate::inject::{InjectError, Scope};

impl AppBuilder {
    /// Adds a route of a service. The port is opened when there is one.
    pub fn route<R: Route<Service: Service>>(mut self) -> Self {
        self.routes.0.push(RouteEntry { decl: R::DECL, service: <R::Service as Service>::DECL.name, bind: bind::<R> });
        self
    }
}

fn bind<R: Route<Service: Service>>(scope: &Scope, read_timeout: Duration) -> Result<Endpoint, InjectError> {
    let service = scope.get::<Arc<R::Service>>()?;
    Ok(Endpoint::of::<R>(<R::Service as Service>::DECL.name, service, read_timeout))
}

impl App {
    /// Answers a request in the process, as the port would: with or without a port.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let head = request.method() == Method::HEAD;
        let response = respond(&self.serving.table, request).await;
        if head { response.map(|_| Body::empty()) } else { response }
    }
}

/// A route, without types.
#[derive(Clone, Debug)]
struct RouteEntry {
    decl: RouteDecl,
    service: &'static str,
    bind: fn(&Scope, Duration) -> Result<Endpoint, InjectError>,
}

/// What was registered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(Vec<RouteEntry>);

impl Routes {
    /// Everything that is wrong with them.
    pub(super) fn check(&self, problems: &mut Problems) {
        let decls: Vec<RouteDecl> = self.0.iter().map(|route| route.decl).collect();
        table::check(&decls).into_iter().for_each(|problem| problems.add(problem));
    }

    /// The routes of the service, for people.
    pub(super) fn models(&self, service: &str, schemas: &mut Generators) -> Vec<RouteModel> {
        self.0.iter().filter(|route| route.service == service).map(|route| model(&route.decl, schemas)).collect()
    }

    /// Binds them to their services, and to the port if the configuration wants one. Nobody is answered before
    /// [`Serving::begin`].
    pub(super) async fn open(self, scope: &Scope, config: &Config, problems: &mut Problems) -> Serving {
        let read_timeout = config.http.read_timeout;
        let endpoints: Vec<Endpoint> = self.0.iter().filter_map(|route| endpoint(route, scope, read_timeout, problems)).collect();
        let wanted = config.http.enabled && !endpoints.is_empty();
        let table = Arc::new(Table::new(endpoints));
        let port = if wanted { listen(&config.http, problems).await } else { Port::Closed };
        Serving { table, port }
    }
}

fn endpoint(route: &RouteEntry, scope: &Scope, read_timeout: Duration, problems: &mut Problems) -> Option<Endpoint> {
    let bound = (route.bind)(scope, read_timeout);
    problems.keep(bound.map_err(|error| format!("route `{}` (`{}`, {}): {error}", route.decl, route.decl.name, route.decl.location)))
}

async fn listen(config: &HttpConfig, problems: &mut Problems) -> Port {
    problems.keep(Bound::open(config).await).map_or(Port::Closed, Port::Bound)
}

fn model(decl: &RouteDecl, schemas: &mut Generators) -> RouteModel {
    RouteModel {
        name: decl.name.to_owned(),
        verb: decl.verb.as_str(),
        path: decl.path.to_owned(),
        parameters: decl.parameters.iter().map(|decl| parameter(decl, schemas)).collect(),
        status: decl.status,
        timeout: decl.timeout,
        body_limit: decl.body_limit,
        location: decl.location.to_string(),
        doc: decl.doc.unwrap_or_default().trim().to_owned(),
        answer: decl.answer.map(|shape| content(shape.content(&mut schemas.output))),
    }
}

fn parameter(decl: &ParameterDecl, schemas: &mut Generators) -> ParameterModel {
    let content = decl.shape.map(|shape| content(shape.content(&mut schemas.input)));
    ParameterModel { name: decl.name, place: decl.place.to_string(), content }
}

fn content(Content { type_name, media, schema, optional }: Content) -> ContentModel {
    let schema = schema.map(schemars::Schema::to_value);
    ContentModel { rust_type: type_name.to_owned(), media: media.map(str::to_owned), schema, optional }
}

impl Site for Table {
    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response {
        respond(&self, request).await
    }
}

/// The port at its stations.
#[derive(Debug)]
enum Port {
    Closed,
    Bound(Bound),
    Open(Server),
}

/// The routes of an application that runs.
#[derive(Debug)]
pub(super) struct Serving {
    table: Arc<Table>,
    port: Port,
}

impl Serving {
    /// From here on requests are answered.
    pub(super) fn begin(&mut self) {
        self.port = match std::mem::replace(&mut self.port, Port::Closed) {
            Port::Bound(bound) => Port::Open(bound.serve(Arc::clone(&self.table))),
            port => port,
        };
    }

    /// Takes no further request.
    pub(super) fn stop_taking(&self) {
        if let Port::Open(server) = &self.port {
            server.stop_taking();
        }
    }

    /// Waits until every request in hand is answered.
    pub(super) async fn drained(&mut self) {
        if let Port::Open(server) = &mut self.port {
            server.drained().await;
        }
    }

    /// Ends every connection, whatever it is doing.
    pub(super) fn close(self) {
        drop(self.port);
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match &self.port {
            Port::Closed => None,
            Port::Bound(bound) => Some(bound.address()),
            Port::Open(server) => Some(server.address()),
        }
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        if let Port::Open(server) = &self.port { server.connections() } else { 0 }
    }

    /// How the port is doing, for whoever asks later; none where there is no port.
    pub(super) fn state(&self) -> Option<PortState> {
        if let Port::Open(server) = &self.port { Some(server.state()) } else { None }
    }
}

pub(super) use crate::http::server::State as PortState;
