//! The contract of a route.

use std::future::Future;
use std::sync::Arc;

use axum_core::body::Body;
use hyper::Response;

use super::{Arguments, Problem, RouteDecl};

/// What a route comes to.
pub type Answered = Result<Response<Body>, Problem>;

/// The descriptor of a route. Implemented beside the method by `#[get]`, `#[post]`, `#[put]`, `#[patch]` and `#[delete]`.
pub trait Route: Send + Sync + 'static {
    /// The service whose method it is.
    type Service: Send + Sync + 'static;
    /// What its attribute says.
    const DECL: RouteDecl;

    /// Takes the request apart, calls the method, and makes an answer of what it returned.
    fn call(service: Arc<Self::Service>, arguments: Arguments) -> impl Future<Output = Answered> + Send;
}
