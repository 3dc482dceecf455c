//! An answer whose head is there and whose body still comes, read within bounds.

use std::fmt;
use std::time::Duration;

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Response, StatusCode};

use super::failure::Lost;
use super::{Channel, Settings, StreamError, Target};
use crate::http::within::within;

/// The answer to a call: what a type that implements [`FromAnswer`](super::FromAnswer) is read from.
pub struct Reply<'a> {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    origin: Origin<'a>,
}

/// Where an answer comes from, and the bounds of reading it.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) target: &'a Target,
    pub(super) channel: &'a Channel,
    pub(super) settings: &'a Settings,
}

/// Why an answer can't be read.
#[derive(Debug)]
pub struct ReplyError(pub(super) Lost);

impl ReplyError {
    /// It is not what was expected: the reason follows \"the answer can't be read\".
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(Lost::Answer(reason.into()))
    }
}

impl<'a> Reply<'a> {
    pub(super) fn new(response: Response<Body>, origin: Origin<'a>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, body, origin }
    }

    /// The status, which is one of success.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The content type, with its parameters; empty where there is none.
    #[must_use]
    pub fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Refuses an answer of another media type than this one.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn check_media_type(&self, expected: &str) -> Result<(), ReplyError> {
        let found = self.content_type();
        if found.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        let found = if found.is_empty() { "it has no content type".to_owned() } else { format!("it is `{found}`") };
        Err(ReplyError::new(format!("{found}, and `{expected}` was expected")))
    }

    /// The whole body, of at most so many bytes as the client may read; nothing when it was taken before.
    ///
    /// # Errors
    /// When it breaks off, comes too slowly, or is too large.
    pub async fn bytes(&mut self) -> Result<Bytes, ReplyError> {
        let settings = self.origin.settings;
        let mut body = std::mem::take(&mut self.body);
        if body.size_hint().lower() > settings.answer_limit as u64 {
            return Err(too_large(settings));
        }
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = within(settings.read_timeout, body.frame()).await.ok_or_else(|| stalled(settings))? {
            let Ok(data) = frame.map_err(|error| ReplyError(Lost::Broken(error.into())))?.into_data() else { continue };
            if first.len().max(all.len()) + data.len() > settings.answer_limit {
                return Err(too_large(settings));
            }
            // Most answers come in one piece, which is not copied then.
            if first.is_empty() {
                first = data;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    /// The body piece by piece, as it comes: what is not taken is not sent. A wait for the next piece ends with the client's
    /// `read_timeout`; the whole stream takes as long as it takes. Dropping it ends the work on it at the service.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, StreamError>> + Send + 'static {
        let Origin { target, channel, settings } = self.origin;
        let (target, patience) = (target.clone().at(channel), settings.read_timeout);
        let pieces = Pieces { body: self.body, target, patience, taken: 0 };
        stream::try_unfold(pieces, |mut pieces| async move { Ok(pieces.next().await?.map(|piece| (piece, pieces))) })
    }

    /// How many bytes the client reads at once.
    pub(super) fn limit(&self) -> usize {
        self.origin.settings.answer_limit
    }

    pub(super) fn origin(&self) -> Origin<'a> {
        self.origin
    }

    pub(super) fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(&mut self.headers)
    }
}

/// A body that is handed on as it comes.
struct Pieces {
    body: Body,
    target: Target,
    patience: Duration,
    taken: u64,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            let frame = within(self.patience, self.body.frame()).await;
            let frame = frame.ok_or_else(|| StreamError::stalled(&self.target, self.taken, self.patience))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| StreamError::broken(&self.target, self.taken, &error))?;
            if let Ok(data) = frame.into_data() {
                self.taken += data.len() as u64;
                return Ok(Some(data));
            }
        }
    }
}

fn too_large(settings: &Settings) -> ReplyError {
    let Settings { name, answer_limit, .. } = settings;
    ReplyError::new(format!("it has more than {answer_limit} bytes: raise `answer_limit` under [clients.{name}], or ask for less"))
}

fn stalled(settings: &Settings) -> ReplyError {
    ReplyError(Lost::Stalled(settings.read_timeout))
}

/// Values may be secrets: only names are shown.
impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("target", self.origin.target)
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
