//! Bodies, read within bounds.

use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::Body as _;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use tokio::time::timeout;

use super::Problem;
use super::within::within;

/// So much of a body that is too large is read and thrown away: a client that still sends does not read the answer.
const DRAINED: usize = 4 << 20;
/// And no longer than that.
const DRAINING: Duration = Duration::from_secs(1);
/// So much of an extractor's text is passed on.
const REJECTION: usize = 4 << 10;

/// The whole body, if it has at most `limit` bytes and no wait for more of it takes longer than `patience`.
pub(super) async fn read(mut body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(body, limit).await);
    }
    let mut chunks = Chunks::default();
    while let Some(chunk) = next(&mut body, patience).await? {
        if chunks.len() + chunk.len() > limit {
            return Err(too_large(body, limit).await);
        }
        chunks.add(chunk);
    }
    Ok(chunks.all())
}

/// The body piece by piece, within the same bounds.
pub(super) fn pieces(body: Body, limit: usize, patience: Duration) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'static {
    stream::try_unfold((body, 0), move |(mut body, taken)| async move {
        if body.size_hint().lower() > limit.saturating_sub(taken) as u64 {
            return Err(too_large(body, limit).await);
        }
        let Some(piece) = next(&mut body, patience).await? else { return Ok(None) };
        let taken = taken + piece.len();
        if taken > limit {
            return Err(too_large(body, limit).await);
        }
        Ok(Some((piece, (body, taken))))
    })
}

/// Most bodies come in one piece, which is not copied then.
#[derive(Default)]
struct Chunks {
    first: Bytes,
    all: BytesMut,
}

impl Chunks {
    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn add(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
    }

    fn all(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

/// The next data; trailers are passed over.
async fn next(body: &mut Body, patience: Duration) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = within(patience, body.frame()).await.ok_or_else(|| too_slow(patience))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(Problem::new(400).detail("the body could not be read to its end").because(error)),
        }
    }
}

async fn too_large(body: Body, limit: usize) -> Problem {
    if body.size_hint().lower() <= DRAINED as u64 {
        // However that ends, the answer is the same.
        let _ = timeout(DRAINING, drain(body)).await;
    }
    Problem::new(413).detail(format!("the body is larger than {limit} bytes, the most that is taken here"))
}

async fn drain(mut body: Body) {
    let mut drained = 0;
    while drained <= DRAINED
        && let Some(Ok(frame)) = body.frame().await
    {
        drained += frame.data_ref().map_or(0, Bytes::len);
    }
}

fn too_slow(patience: Duration) -> Problem {
    Problem::new(408).detail(format!("nothing more of the body came within {patience:?}"))
}

/// The problem of a response that says no: its status and headers, its text as the detail.
pub(super) async fn rejection(response: Response) -> Problem {
    let (parts, body) = response.into_parts();
    let mut problem = Problem::of_status(parts.status.as_u16());
    let is_text = parts.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
    for (name, value) in &parts.headers {
        if ![CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            problem = problem.header(name.clone(), value.clone());
        }
    }
    let text = http_body_util::Limited::new(body, REJECTION).collect().await.map(|text| text.to_bytes()).unwrap_or_default();
    match std::str::from_utf8(&text) {
        Ok(text) if parts.status >= StatusCode::INTERNAL_SERVER_ERROR => problem.because(text),
        Ok(text) if is_text && !text.is_empty() => problem.detail(text),
        _ => problem,
    }
}
