//! The routes of an application: registered, checked, bound to their services, served.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, join};
use tower_service::Service as TowerService;

use super::clients::Served;
use super::contents::{ContentModel, Generators};
use super::grpc::{Grpc, GrpcServices};
use super::model::{GrpcModel, ParameterModel, RouteModel};
use super::problems::Problems;
use super::site::Front;
use super::{App, AppBuilder, Service, overrides};
use crate::client::{Channel, Home};
use crate::config::{Config, HttpConfig};
use crate::http::server::{Bound, Server};
use crate::http::table::{self, Table};
use crate::http::{Body, Content, Endpoint, IntoResponse as _, Merged, ParameterDecl, Problem, Request, Response, Route, RouteDecl};
use crate::inject::{InjectError, Scope};

impl AppBuilder {
    /// Adds a route of a service. The port is opened when there is one.
    pub fn route<R: Route<Service: Service>>(mut self) -> Self {
        self.routes.entries.push(RouteEntry { decl: R::DECL, service: <R::Service as Service>::DECL.name, bind: bind::<R> });
        self
    }

    /// Says that the routes of this contract are served here: its clients in this process call it without an address.
    pub fn contract(mut self, name: &'static str) -> Self {
        self.routes.contracts.insert(name);
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
    /// Answers a request in the process, as the port would: with or without a port. Calls of gRPC too.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.serving.front.answer_inside(request).await
    }
}

impl App {
    /// Calls the routes and the gRPC services of this application, in the process: with or without a port. The channel keeps
    /// them, and with them their services, alive.
    #[must_use]
    pub fn channel(&self) -> Channel {
        Channel::local(InProcess(self.serving.front.clone()))
    }
}

/// Routes and gRPC services as a service of HTTP requests.
#[derive(Clone)]
struct InProcess(Arc<Front>);

/// The same, as the clients of its services call it: they don't keep the application alive that keeps them.
#[derive(Clone)]
struct Within(Weak<Front>);

impl tower_service::Service<Request<Body>> for Within {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let front = self.0.upgrade();
        Box::pin(async move {
            match front {
                Some(front) => Ok(front.answer_inside(request).await),
                None => Ok(Problem::new(503).detail("the application has stopped").into_response()),
            }
        })
    }
}

impl tower_service::Service<Request<Body>> for InProcess {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let front = Arc::clone(&self.0);
        Box::pin(async move { Ok(front.answer_inside(request).await) })
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
    contracts: BTreeSet<&'static str>,
    pub(super) grpc: GrpcServices,
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
        self.grpc.check(problems);
    }

    /// The routes of the service with what the configuration changes, for people.
    pub(super) fn models(&self, service: &str, config: &Config, schemas: &mut Generators) -> Vec<RouteModel> {
        self.entries.iter().filter(|route| route.service == service).map(|route| model(&route.configured(config), schemas)).collect()
    }

    /// What can be called here.
    pub(super) fn served(&self) -> Served {
        Served { contracts: self.contracts.clone(), grpc: self.grpc.names().collect() }
    }

    /// The gRPC services of the service, for people.
    pub(super) fn grpc_models(&self, service: &str, config: &Config) -> Vec<GrpcModel> {
        self.grpc.models(service, config)
    }

    /// Binds them to their services, and to the ports that the configuration wants. Nobody is answered before
    /// [`Serving::begin`].
    pub(super) async fn open(self, scope: &Scope, config: &Config, problems: &mut Problems) -> Serving {
        let endpoints: Vec<Endpoint> = self.entries.iter().filter_map(|route| endpoint(route, scope, config, problems)).collect();
        let merged = self.merged.into_iter().next();
        let wanted = Wanted::of(config, !endpoints.is_empty() || merged.is_some(), !self.grpc.is_empty());
        if config.http.compression && !crate::http::gzip::AVAILABLE {
            problems.add(
                "`http.compression` is true, but this program was built without it: add the feature `compression` to `comms` in Cargo.toml"
                    .to_owned(),
            );
        }
        let table = Arc::new(Table::new(endpoints).merging(merged).compressing(config.http.compression));
        let grpc = Arc::new(self.grpc.bind(scope, config, problems));
        let front = Front { routes: Some(Arc::clone(&table)), grpc: Some(Arc::clone(&grpc)) };
        let shared = Front { grpc: wanted.grpc_at_http.then(|| Arc::clone(&grpc)), ..front.clone() };
        let own = Front { routes: None, ..front.clone() };
        let http = if wanted.http { problems.keep(Bound::open(&config.http).await) } else { None };
        let own_port = match wanted.grpc {
            Some(address) => problems.keep(open_own(config, address).await),
            None => None,
        };
        Serving { front: Arc::new(front), grpc, http: Port::of(http, shared), own: Port::of(own_port, own), shared: wanted.grpc_at_http }
    }
}

/// Which ports are to be opened.
struct Wanted {
    http: bool,
    /// Whether the port of HTTP answers gRPC too.
    grpc_at_http: bool,
    /// The port of gRPC alone.
    grpc: Option<SocketAddr>,
}

impl Wanted {
    fn of(config: &Config, routes: bool, grpc: bool) -> Self {
        let grpc = grpc && config.grpc.enabled;
        let grpc_at_http = grpc && config.grpc.address.is_none();
        Self { http: config.http.enabled && (routes || grpc_at_http), grpc_at_http, grpc: config.grpc.address.filter(|_| grpc) }
    }
}

/// A port with the limits of HTTP, for gRPC alone.
async fn open_own(config: &Config, address: SocketAddr) -> Result<Bound, String> {
    let own = HttpConfig { address, ..config.http.clone() };
    Bound::open(&own).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        format!("could not open the gRPC port at {address}: {cause}. Set another `address` under `[grpc]` (COMMS__GRPC__ADDRESS; port 0 takes any free one), or leave it out: gRPC is answered at the port of HTTP then")
    })
}

fn endpoint(route: &RouteEntry, scope: &Scope, config: &Config, problems: &mut Problems) -> Option<Endpoint> {
    let bound = (route.bind)(scope, config.http.read_timeout).map(|endpoint| endpoint.declared_as(route.configured(config)));
    problems.keep(bound.map_err(|error| format!("route `{}` (`{}`, {}): {error}", route.decl, route.decl.name, route.decl.location)))
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

fn content(Content { type_name, media, schema, optional, own_status }: Content) -> ContentModel {
    let schema = schema.map(schemars::Schema::to_value);
    ContentModel { rust_type: type_name.to_owned(), media: media.map(str::to_owned), schema, optional, own_status }
}

/// The port at its stations.
#[derive(Debug)]
enum Port {
    Closed,
    Bound(Bound, Arc<Front>),
    Open(Server),
}

impl Port {
    fn of(bound: Option<Bound>, front: Front) -> Self {
        bound.map_or(Self::Closed, |bound| Self::Bound(bound, Arc::new(front)))
    }

    fn begin(&mut self) {
        *self = match std::mem::replace(self, Self::Closed) {
            Self::Bound(bound, front) => Self::Open(bound.serve(front)),
            port => port,
        };
    }

    fn server(&self) -> Option<&Server> {
        if let Self::Open(server) = self { Some(server) } else { None }
    }

    async fn drained(&mut self) {
        if let Self::Open(server) = self {
            server.drained().await;
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Closed => None,
            Self::Bound(bound, _) => Some(bound.address()),
            Self::Open(server) => Some(server.address()),
        }
    }
}

/// The requests of an application that runs: what answers them, and the ports that they come through.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) front: Arc<Front>,
    grpc: Arc<Grpc>,
    http: Port,
    /// Of gRPC alone.
    own: Port,
    /// Whether the port of HTTP answers gRPC too.
    shared: bool,
}

impl Serving {
    /// Clients of what is served here call it from now on.
    pub(super) fn answer_at(&self, home: &Home) {
        home.open(Within(Arc::downgrade(&self.front)));
    }

    /// From here on requests are answered.
    pub(super) fn begin(&mut self) {
        self.http.begin();
        self.own.begin();
    }

    /// Takes no further request.
    pub(super) fn stop_taking(&self) {
        self.front.stop();
        for server in [&self.http, &self.own].into_iter().filter_map(Port::server) {
            server.stop_taking();
        }
    }

    /// Waits until every request in hand is answered. Streams that do not end soon are told to.
    pub(super) async fn drained(&mut self) {
        let drained = join(self.http.drained(), self.own.drained());
        tokio::select! {
            _ = drained => {}
            () = self.grpc.end_streams_late() => {}
        }
    }

    /// Ends every connection and every stream, whatever it is doing.
    pub(super) fn close(self) {
        self.grpc.end_streams();
        drop((self.http, self.own));
    }

    /// Where HTTP is served.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.http.address()
    }

    /// Where gRPC is served.
    pub(super) fn grpc_address(&self) -> Option<SocketAddr> {
        self.own.address().or_else(|| self.http.address().filter(|_| self.shared))
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        [&self.http, &self.own].into_iter().filter_map(Port::server).map(Server::connections).sum()
    }

    /// How the ports are doing, for whoever asks later: each with what it is called.
    pub(super) fn states(&self) -> Vec<(&'static str, PortState)> {
        let named = [("http", &self.http), ("grpc", &self.own)];
        named.into_iter().filter_map(|(name, port)| Some((name, port.server()?.state()))).collect()
    }
}

pub(super) use crate::http::server::State as PortState;
