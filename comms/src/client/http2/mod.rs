//! Requests over HTTP/2: one connection to each address carries them all.
//!
//! A request goes to the connection from the task of its caller; only a body that has to wait for more gets a task of its own.

mod answer;
mod connections;
mod drive;
mod sending;
#[cfg(test)]
mod tests;

use hyper::Response;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use hyper::{Method, Request};

use axum_core::body::Body;
use hyper::body::Body as _;

#[cfg(feature = "grpc")]
pub(crate) use answer::BodyLost;
pub(super) use connections::{Connections, NoConnection, Taken};

use answer::Answer;
use sending::Sending;

/// The connection was lost, or the request was refused by it.
#[derive(Debug, thiserror::Error)]
#[error("http2 error")]
pub(super) struct Lost(#[from] h2::Error);

/// What belongs to a connection of HTTP/1.1 and is nobody's business here.
const OF_CONNECTIONS: [HeaderName; 4] =
    [HeaderName::from_static("keep-alive"), HeaderName::from_static("proxy-connection"), TRANSFER_ENCODING, UPGRADE];

/// Sends the request, and waits until its answer begins.
pub(super) async fn exchange(taken: Taken, request: Request<Body>) -> Result<Response<Body>, Lost> {
    let (mut parts, body) = request.into_parts();
    let Taken { mut sender, is_first } = taken;
    tidy(&mut parts.headers, &parts.method, &body);
    if is_first {
        crate::http::carried::teach(&mut parts.headers);
    }
    let is_whole = body.is_end_stream();
    let (answering, stream) = sender.send_request(Request::from_parts(parts, ()), is_whole)?;
    // It is of no more use, and would keep the connection.
    drop(sender);
    // Dropped with the call: then nobody wants the rest of the body.
    let rest = if is_whole { None } else { Some(Sending::begin(stream, body).await) };
    let answer = answering.await?;
    if let Some(rest) = rest {
        rest.go_on();
    }
    Ok(answer.map(Answer::of))
}

fn tidy(headers: &mut HeaderMap, method: &Method, body: &Body) {
    for name in &OF_CONNECTIONS {
        headers.remove(name);
    }
    if headers.get(TE).is_some_and(|te| te != "trailers") {
        headers.remove(TE);
    }
    if let Some(named) = headers.remove(CONNECTION) {
        for name in named.to_str().unwrap_or_default().split(',') {
            headers.remove(name.trim());
        }
    }
    let has_body = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0 || has_body)
        && !headers.contains_key(CONTENT_LENGTH)
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}
