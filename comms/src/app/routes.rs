//! The routes of an application: registered, checked, bound to their services, served.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tower_service::Service as TowerService;

use super::model::{ParameterModel, RouteModel};
use super::problems::Problems;
use super::{App, AppBuilder, Service, overrides};
use crate::config::{Config, HttpConfig};
use crate::http::server::{Bound, Server, Site};
use crate::http::table::{self, Table};
use crate::http::{Body, Endpoint, Merged, Method, Request, Response, Route, RouteDecl, respond};
use crate::inject::{InjectError, Scope};

impl AppBuilder {
    /// Adds a route of a service. The port is opened when there is one.
    pub fn route<R: Route<Service: Service>>(mut self) -> Self {
        self.routes.entries.push(RouteEntry { decl: R::DECL, service: <R::Service as Service>::DECL.name, bind: bind::<R> });
        self
    }

    /// Lets a service of another make answer what no route does: a router of axum, anything of tower. It is a 404 only if that service
    /// says so; a path that has routes for other methods stays a 405.
    ///
    /// It is within the limits of the port, has a request id, a trace and a line in the log as any request, and a panic in it is
    /// that of its request. The timeout and the size of its bodies are its own to bound. The port is opened for it.
    ///
    /// ```
    /// use axum::Router;
    /// use axum::routing::get;
    /// use comms::AppBuilder;
    ///
    /// let app = AppBuilder::new("orders").merge(Router::new().route("/hello", get(|| async { "hello" })));
    /// # drop(app);
    /// ```
    pub fn merge<S>(mut self, service: S) -> Self
    where
        S: TowerService<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    {
        self.routes.merged.push(Merged::of(service));
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

impl RouteEntry {
    /// As it will answer.
    fn configured(&self, config: &Config) -> RouteDecl {
        overrides::route(self.decl, &config.handler(self.service, self.decl.name))
    }
}

/// What was registered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    entries: Vec<RouteEntry>,
    merged: Vec<Merged>,
}

impl Routes {
    /// Everything that is wrong with them.
    pub(super) fn check(&self, problems: &mut Problems) {
        let decls: Vec<RouteDecl> = self.entries.iter().map(|route| route.decl).collect();
        table::check(&decls).into_iter().for_each(|problem| problems.add(problem));
        if self.merged.len() > 1 {
            let count = self.merged.len();
            problems.add(format!(
                "`merge` is called {count} times: one service answers what no route does. Merge them into one, with `axum::Router::merge` for example"
            ));
        }
    }

    /// The routes of the service with what the configuration changes, for people.
    pub(super) fn models(&self, service: &str, config: &Config) -> Vec<RouteModel> {
        self.entries.iter().filter(|route| route.service == service).map(|route| model(&route.configured(config))).collect()
    }

    /// Binds them to their services, and to the port if the configuration wants one. Nobody is answered before
    /// [`Serving::begin`].
    pub(super) async fn open(self, scope: &Scope, config: &Config, problems: &mut Problems) -> Serving {
        let endpoints: Vec<Endpoint> = self.entries.iter().filter_map(|route| endpoint(route, scope, config, problems)).collect();
        let merged = self.merged.into_iter().next();
        let wanted = config.http.enabled && (!endpoints.is_empty() || merged.is_some());
        if config.http.compression && !crate::http::gzip::AVAILABLE {
            problems.add(
                "`http.compression` is true, but this program was built without it: add the feature `compression` to `comms` in Cargo.toml"
                    .to_owned(),
            );
        }
        let table = Arc::new(Table::new(endpoints).merging(merged).compressing(config.http.compression));
        let port = if wanted { listen(&config.http, problems).await } else { Port::Closed };
        Serving { table, port }
    }
}

fn endpoint(route: &RouteEntry, scope: &Scope, config: &Config, problems: &mut Problems) -> Option<Endpoint> {
    let bound = (route.bind)(scope, config.http.read_timeout).map(|endpoint| endpoint.as_declared(route.configured(config)));
    problems.keep(bound.map_err(|error| format!("route `{}` (`{}`, {}): {error}", route.decl, route.decl.name, route.decl.location)))
}

async fn listen(config: &HttpConfig, problems: &mut Problems) -> Port {
    problems.keep(Bound::open(config).await).map_or(Port::Closed, Port::Bound)
}

fn model(decl: &RouteDecl) -> RouteModel {
    let parameter = |parameter: &crate::http::ParameterDecl| ParameterModel { name: parameter.name, place: parameter.place.to_string() };
    RouteModel {
        name: decl.name.to_owned(),
        verb: decl.verb.as_str(),
        path: decl.path.to_owned(),
        parameters: decl.parameters.iter().map(parameter).collect(),
        status: decl.status,
        timeout: decl.timeout,
        body_limit: decl.body_limit,
        location: decl.location.to_string(),
        doc: decl.doc.unwrap_or_default().trim().to_owned(),
    }
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
        self.table.stop();
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
