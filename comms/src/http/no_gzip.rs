//! The feature `compression` is off.

use axum_core::body::Body;
use hyper::{HeaderMap, Response};

/// Whether answers can be sent in gzip at all.
pub(crate) const AVAILABLE: bool = false;

pub(super) fn accepted(_: &HeaderMap) -> bool {
    false
}

pub(super) fn over(response: Response<Body>, _: bool) -> Response<Body> {
    response
}
