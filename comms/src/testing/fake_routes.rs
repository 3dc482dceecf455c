//! How the fake of a contract is called: over the routes of the contract, in this process.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower_service::Service;

use crate::client::Channel;
use crate::http::table::Table;
use crate::http::{Body, Endpoint, Request, Response, Route, respond};

/// A body is there at once in the process.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The routes of one value that implements a contract. Generated fakes make a channel of it.
#[must_use = "nothing is called until `channel`"]
pub struct FakeRoutes<S> {
    service: Arc<S>,
    endpoints: Vec<Endpoint>,
}

impl<S: Send + Sync + 'static> FakeRoutes<S> {
    /// The routes of this value; none yet.
    pub fn of(service: S) -> Self {
        Self { service: Arc::new(service), endpoints: Vec::new() }
    }

    /// With this one.
    pub fn route<R: Route<Service = S>>(mut self) -> Self {
        self.endpoints.push(Endpoint::of::<R>("fake", Arc::clone(&self.service), READ_TIMEOUT));
        self
    }

    /// A channel to them.
    #[must_use]
    pub fn channel(self) -> Channel {
        Channel::local(Local(Arc::new(Table::new(self.endpoints))))
    }
}

impl<S> fmt::Debug for FakeRoutes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeRoutes").field(&self.endpoints).finish()
    }
}

#[derive(Clone)]
struct Local(Arc<Table>);

impl Service<Request<Body>> for Local {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let table = Arc::clone(&self.0);
        async move { respond(&table, request).await }.map(Ok).boxed()
    }
}
