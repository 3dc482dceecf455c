//! The requests of an application that come from within its process: no port, no bytes.

use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::app::site::Front;
use crate::client::{Answering, Channel, LocalService};
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
        let front = Arc::clone(&self.serving.front);
        Channel::local(Answering(move |request| {
            let front = Arc::clone(&front);
            async move { front.answer_inside(request).await }
        }))
    }
}

/// Routes and gRPC services, as the clients of their own application call them: they don't keep the application alive that keeps
/// them.
pub(super) fn within(front: Weak<Front>) -> impl LocalService<Response = Response, Future = Answer> {
    Answering(move |request| {
        let front = front.upgrade();
        async move {
            match front {
                Some(front) => front.answer_inside(request).await,
                None => Problem::new(503).detail("the application has stopped").into_response(),
            }
        }
    })
}

/// An answer on its way.
type Answer = BoxFuture<'static, Result<Response, std::convert::Infallible>>;
