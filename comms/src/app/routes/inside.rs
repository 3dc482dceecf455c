//! The requests of an application that come from within its process: no port, no bytes.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::app::site::Front;
use crate::client::Channel;
use crate::http::{Body, IntoResponse as _, Problem, Request, Response};

impl App {
    /// Answers a request in the process, as the port would: with or without a port. Calls of gRPC too.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.serving.front.answer_inside(request).await
    }

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
pub(super) struct Within(pub(super) Weak<Front>);

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
