//! What a route may return.

use axum_core::body::Body;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::{Answered, Medium, Problem};

const BYTES: &str = "application/octet-stream";

/// What a route method may return beside data: data that serde can write is answered as JSON without it.
///
/// Implement it for a type that chooses its own status or headers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the answer of a route",
    label = "a route answers with data that implements `serde::Serialize`, nothing, or a `Result` of these",
    note = "derive `serde::Serialize` for it, implement `comms::http::IntoAnswer`, or wrap a response of axum: `comms::http::Raw(response)`"
)]
pub trait IntoAnswer {
    /// The answer, where the route declares this status for success.
    ///
    /// # Errors
    /// When it can't be written.
    fn into_answer(self, status: u16) -> Answered;
}

/// Nothing: 204, unless the route declares another status than 200.
impl IntoAnswer for () {
    fn into_answer(self, status: u16) -> Answered {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = success(if status == 200 { 204 } else { status });
        Ok(response)
    }
}

/// Bytes as they are, `application/octet-stream`; another type is said by [`With`](super::With).
impl IntoAnswer for Bytes {
    fn into_answer(self, status: u16) -> Answered {
        let mut response = Response::new(Body::from(self));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(BYTES));
        of_status(status, response)
    }
}

/// Of which nothing more is known.
impl Medium for Bytes {
    type Data = Raw;
    const MEDIA: Option<&'static str> = Some(BYTES);
}

/// A response as it is: status, headers and body.
#[derive(Debug)]
pub struct Raw(pub Response<Body>);

impl IntoAnswer for Raw {
    fn into_answer(self, _: u16) -> Answered {
        Ok(self.0)
    }
}

/// The value as JSON.
pub(crate) fn json<T: Serialize>(status: u16, value: &T) -> Answered {
    let text = serde_json::to_vec(value);
    Ok(of_json(status, text.map_err(|error| Problem::new(500).because(format_args!("the answer can't be written as JSON: {error}")))?))
}

fn of_json(status: u16, text: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = success(status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The response with the status of success.
pub(super) fn of_status(status: u16, mut response: Response<Body>) -> Answered {
    *response.status_mut() = success(status);
    Ok(response)
}

/// The declaration has checked it.
fn success(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
}
