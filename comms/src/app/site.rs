//! What answers the requests of an application: its gRPC services where a request is a call, else its routes.

use std::sync::Arc;

use hyper::Version;

use super::grpc::Grpc;
use crate::http::server::Site;
use crate::http::table::Table;
use crate::http::{Body, IntoResponse as _, Method, Problem, Request, Response, respond};

/// Routes and gRPC services, or one of the two.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) routes: Option<Arc<Table>>,
    pub(super) grpc: Option<Arc<Grpc>>,
}

impl Front {
    /// Answers a request that came from within the process.
    pub(super) async fn answer_inside(&self, request: Request<Body>) -> Response {
        let head = request.method() == Method::HEAD;
        let response = self.answer(request).await;
        if head { response.map(|_| Body::empty()) } else { response }
    }

    /// Tells the answers that are streams to end.
    pub(super) fn stop(&self) {
        if let Some(routes) = &self.routes {
            routes.stop();
        }
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        match (&self.grpc, &self.routes) {
            (Some(grpc), _) if Grpc::takes(&request) => grpc.answer(request).await,
            (None, _) if Grpc::takes(&request) => Grpc::elsewhere(),
            (_, Some(routes)) => respond(routes, request).await,
            // What is not to gRPC is refused as the protocol says.
            _ => Problem::new(415).detail("gRPC is spoken here: the content type is `application/grpc`").into_response(),
        }
    }
}

impl Site for Front {
    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response {
        if self.grpc.is_some() && request.version() < Version::HTTP_2 && Grpc::takes(&request) {
            return Problem::new(505).detail("gRPC needs HTTP/2").into_response();
        }
        Self::answer(&self, request).await
    }
}
