//! Answers in gzip, for clients that read it.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, VARY,
};
use hyper::{HeaderMap, Response, StatusCode};

/// Whether answers can be sent in gzip at all.
pub(crate) const AVAILABLE: bool = true;
/// A smaller body would hardly become smaller.
const SMALLEST: u64 = 1 << 10;
/// So much is packed in one go: others want the thread too.
const STEP: usize = 64 << 10;

/// Whether the client reads gzip.
pub(super) fn accepted(headers: &HeaderMap) -> bool {
    let values = || headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let quality = |wanted: &str| {
        values().flat_map(|value| value.split(',')).find_map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
            named.then(|| parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
        })
    };
    quality("gzip").or_else(|| quality("*")).is_some_and(|quality: f32| quality > 0.0)
}

/// The answer, in gzip if its client reads that and it makes sense for it.
pub(super) fn over(mut response: Response<Body>, accepted: bool) -> Response<Body> {
    if !is_worth(&response) {
        return response;
    }
    // Caches keep the two apart.
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    if !accepted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(ACCEPT_RANGES);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    if let Some(tag) = parts.headers.get(ETAG).and_then(weak) {
        parts.headers.insert(ETAG, tag);
    }
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    Response::from_parts(parts, Body::new(Gzip { body, left: Bytes::new(), encoder: Some(encoder), unsent: false }))
}

/// The bytes are others, what they mean is the same.
fn weak(tag: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok().filter(|text| !text.starts_with("W/"))?;
    HeaderValue::from_str(&format!("W/{text}")).ok()
}

fn is_worth(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let size = response.body().size_hint();
    ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, StatusCode::PARTIAL_CONTENT].contains(&response.status())
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && !text(CACHE_CONTROL).contains("no-transform")
        && size.exact().is_none_or(|size| size >= SMALLEST)
        && is_text(text(CONTENT_TYPE))
}

/// Pictures and archives are packed already; events are wanted one by one.
fn is_text(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, name) = media.split_once('/').unwrap_or_default();
    match kind {
        "text" => name != "event-stream",
        "application" => {
            ["json", "xml", "javascript", "wasm", "x-ndjson"].contains(&name) || name.ends_with("+json") || name.ends_with("+xml")
        }
        "image" => name == "svg+xml",
        _ => false,
    }
}

/// A body that is packed as it goes.
struct Gzip {
    body: Body,
    /// Of the piece at hand.
    left: Bytes,
    /// None once the end was written.
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// The encoder holds back something of it.
    unsent: bool,
}

impl Gzip {
    /// What the encoder has ready.
    fn ready(&mut self) -> Option<Bytes> {
        let out = std::mem::take(self.encoder.as_mut()?.get_mut());
        (!out.is_empty()).then(|| out.into())
    }

    /// Packs a step of what is at hand.
    fn pack(&mut self) -> std::io::Result<Option<Bytes>> {
        let step = self.left.split_to(self.left.len().min(STEP));
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        encoder.write_all(&step)?;
        self.unsent = true;
        Ok(self.ready())
    }

    /// Nothing more comes for now: what is there goes.
    fn flush(&mut self) -> std::io::Result<Option<Bytes>> {
        let Some(encoder) = self.encoder.as_mut().filter(|_| self.unsent) else { return Ok(None) };
        encoder.flush()?;
        self.unsent = false;
        Ok(self.ready())
    }
}

fn frame(bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, axum_core::Error>>> {
    Poll::Ready(Some(Ok(Frame::data(bytes))))
}

impl HttpBody for Gzip {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if !self.left.is_empty() {
                match self.pack().map_err(axum_core::Error::new) {
                    Ok(Some(bytes)) => return frame(bytes),
                    Ok(None) => continue,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            match Pin::new(&mut self.body).poll_frame(task) {
                Poll::Pending => match self.flush().map_err(axum_core::Error::new)? {
                    Some(bytes) => return frame(bytes),
                    None => return Poll::Pending,
                },
                // Trailers would stand before the end of what is packed: they are left out.
                Poll::Ready(Some(Ok(next))) => self.left = next.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => {
                    let Some(encoder) = self.encoder.take() else { return Poll::Ready(None) };
                    let rest = encoder.finish().map_err(axum_core::Error::new)?;
                    return frame(rest.into());
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_says_so() {
        let asked = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(text));
            accepted(&headers)
        };
        for text in ["gzip", "deflate, GZIP;q=0.5", "*", "br, *;q=0.1", "gzip ; q=1.0"] {
            assert!(asked(text), "{text}");
        }
        for text in ["", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzip;q=x"] {
            assert!(!asked(text), "{text}");
        }
        assert!(!accepted(&HeaderMap::new()));
    }
}
