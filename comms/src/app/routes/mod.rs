//! The routes of an application: registered, checked, bound to their services, served.

mod inside;
mod models;
mod serving;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tower_service::Service as TowerService;

use super::clients::Served;
use super::contents::Generators;
use super::grpc::GrpcServices;
use super::model::{GrpcModel, RouteModel};
use super::problems::Problems;
use super::site::Front;
use super::{AppBuilder, Service, overrides};
use crate::config::{Config, HttpConfig};
use crate::http::server::Bound;
use crate::http::table::{self, Table};
use crate::http::{Body, Endpoint, Merged, Request, Response, Route, RouteDecl};
use crate::inject::{InjectError, Scope};
use crate::metrics::Metrics;
use models::model;
use serving::Port;

pub(super) use crate::http::server::State as PortState;
pub(super) use serving::Serving;

impl AppBuilder {
    /// Adds a route of a service. The port is opened when there is one.
    pub fn route<R: Route<Service: Service>>(mut self) -> Self {
        self.routes.entries.push(RouteEntry { decl: R::DECL, service: <R::Service as Service>::DECL.name, bind: bind::<R> });
        self
    }

    /// Says that the service answers the routes of the contract of this name: its clients in this process call it without an address.
    pub fn contract<S: Service>(mut self, name: &'static str) -> Self {
        self.routes.contracts.insert(name, S::DECL.name);
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
    /// Each with the service that answers it.
    contracts: BTreeMap<&'static str, &'static str>,
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

    /// The contracts that the service answers, for people.
    pub(super) fn contracts_of(&self, service: &str) -> Vec<&'static str> {
        self.contracts.iter().filter(|(_, owner)| **owner == service).map(|(name, _)| *name).collect()
    }

    /// What can be called here.
    pub(super) fn served(&self) -> Served {
        Served { contracts: self.contracts.keys().copied().collect(), grpc: self.grpc.names().collect() }
    }

    /// The gRPC services of the service, for people.
    pub(super) fn grpc_models(&self, service: &str, config: &Config) -> Vec<GrpcModel> {
        self.grpc.models(service, config)
    }

    /// Binds them to their services, and to the ports that the configuration wants. Nobody is answered before
    /// [`Serving::begin`].
    pub(super) async fn open(self, scope: &Scope, config: &Config, problems: &mut Problems) -> Serving {
        let endpoints: Vec<Endpoint> = self.entries.iter().filter_map(|route| endpoint(route, scope, config, problems)).collect();
        let metrics = scope.get::<Metrics>().unwrap_or_default();
        endpoints.iter().map(Endpoint::counted).for_each(|(name, counters)| metrics.requests(name, counters));
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
