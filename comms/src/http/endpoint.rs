//! A route with its service, without types.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::metrics::{RequestCounters, RequestName};

use super::{Answered, Arguments, Route, RouteDecl};

type Call = Box<dyn Fn(Arguments) -> BoxFuture<'static, Answered> + Send + Sync>;

/// A route with the service that it belongs to.
pub(crate) struct Endpoint {
    pub(super) decl: RouteDecl,
    pub(super) service: &'static str,
    /// How long a wait for more of the body may take.
    pub(super) read_timeout: Duration,
    /// Bodies that are streams are read to their end before the route is called.
    pub(super) keeps_bodies: bool,
    pub(super) counters: Arc<RequestCounters>,
    call: Call,
}

impl Endpoint {
    /// The route on the service.
    pub(crate) fn of<R: Route>(name: &'static str, service: Arc<R::Service>, read_timeout: Duration) -> Self {
        let call = move |arguments| -> BoxFuture<'static, Answered> { Box::pin(R::call(Arc::clone(&service), arguments)) };
        Self { decl: R::DECL, service: name, read_timeout, keeps_bodies: false, counters: Arc::default(), call: Box::new(call) }
    }

    /// Of a fake, which keeps what it was called with.
    #[cfg(feature = "testing")]
    pub(crate) fn keeping_bodies(mut self) -> Self {
        self.keeps_bodies = true;
        self
    }

    /// With what the configuration changes in what its attribute says.
    pub(crate) fn declared_as(mut self, decl: RouteDecl) -> Self {
        self.decl = decl;
        self
    }

    /// What it counts, and under which name.
    pub(crate) fn counted(&self) -> (RequestName, Arc<RequestCounters>) {
        (RequestName::Http { method: self.decl.verb.as_str(), route: self.decl.path }, Arc::clone(&self.counters))
    }

    pub(super) fn call(&self, arguments: Arguments) -> BoxFuture<'static, Answered> {
        (self.call)(arguments)
    }

    /// The names of the parameters in its path, in order.
    pub(super) fn path_parameters(&self) -> impl Iterator<Item = &'static str> + use<> {
        let pieces = self.decl.path.split('{').skip(1);
        pieces.map(|piece| piece.split('}').next().unwrap_or_default().trim_start_matches('*'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}::{})", self.decl, self.service, self.decl.name)
    }
}
