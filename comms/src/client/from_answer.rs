//! Answers that are read another way than as JSON.

use std::future::Future;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use hyper::StatusCode;
use serde::de::DeserializeOwned;

use super::reply::{Reply, ReplyError};
use super::{StreamError, Target};
use crate::error::BoxError;
use crate::http::event_reader::{EventReader, TooLarge};
use crate::http::{ByteStream, Event, EventStream, With};

/// What the client of a contract may get beside data that is read as JSON: the mirror of [`IntoAnswer`](crate::http::IntoAnswer).
///
/// ```
/// use comms::client::{FromAnswer, Reply, ReplyError};
///
/// /// Comma-separated values.
/// struct Csv(Vec<Vec<String>>);
///
/// impl FromAnswer for Csv {
///     const ACCEPT: &'static str = "text/csv, application/problem+json";
///
///     async fn from_answer(mut reply: Reply<'_>) -> Result<Self, ReplyError> {
///         reply.check_media_type("text/csv")?;
///         let text = String::from_utf8(reply.bytes().await?.into()).map_err(|_| ReplyError::new("it is no UTF-8"))?;
///         Ok(Self(text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the client of a contract can't read `{Self}`",
    label = "a service can answer this, but its client can't read it again",
    note = "write data that implements `serde::Serialize` and `serde::Deserialize`, `comms::http::EventStream`, `ByteStream` or `Bytes` of there, or one of these in `comms::http::With<..>`; a type of your own implements `comms::client::FromAnswer` beside `comms::http::IntoAnswer`",
    note = "what only a service can answer belongs on a route of its own impl"
)]
pub trait FromAnswer: Sized {
    /// What the client asks for, in the header `accept`.
    const ACCEPT: &'static str = "*/*";

    /// Reads a success. The time of the call bounds this; a stream that it returns goes on.
    ///
    /// # Errors
    /// Why it can't be read.
    fn from_answer(reply: Reply<'_>) -> impl Future<Output = Result<Self, ReplyError>> + Send;
}

/// Data, as JSON.
pub(crate) struct Data<T>(pub(crate) T);

impl<T: DeserializeOwned> FromAnswer for Data<T> {
    /// Problems are JSON too, of a type of their own.
    const ACCEPT: &'static str = "application/json, application/problem+json";

    async fn from_answer(mut reply: Reply<'_>) -> Result<Self, ReplyError> {
        let body = reply.bytes().await?;
        let text: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(text).map(Self).map_err(|error| not_expected(body.is_empty(), reply.content_type(), &error))
    }
}

fn not_expected(is_empty: bool, content_type: &str, error: &serde_json::Error) -> ReplyError {
    ReplyError::new(match (is_empty, content_type) {
        (true, _) => format!("it is empty, and JSON was expected ({error})"),
        (false, kind) if kind.contains("json") => format!("its JSON is not what was expected: {error}"),
        (false, "") => format!("it has no content type, and JSON was expected: {error}"),
        (false, kind) => format!("it is `{kind}`, and JSON was expected: {error}"),
    })
}

/// Nothing: an empty answer, or the JSON `null`.
impl FromAnswer for () {
    const ACCEPT: &'static str = Data::<()>::ACCEPT;

    async fn from_answer(reply: Reply<'_>) -> Result<Self, ReplyError> {
        Data::<()>::from_answer(reply).await.map(|Data(())| ())
    }
}

/// The whole body as it came, of any type.
impl FromAnswer for Bytes {
    async fn from_answer(mut reply: Reply<'_>) -> Result<Self, ReplyError> {
        reply.bytes().await
    }
}

/// What it reads, with status and headers.
impl<T: FromAnswer> FromAnswer for With<T> {
    const ACCEPT: &'static str = T::ACCEPT;

    async fn from_answer(reply: Reply<'_>) -> Result<Self, ReplyError> {
        let (status, headers) = (reply.status(), reply.headers().clone());
        T::from_answer(reply).await.map(|value| Self::received(value, status, headers))
    }
}

/// The body as it comes, of any type.
impl FromAnswer for ByteStream {
    async fn from_answer(reply: Reply<'_>) -> Result<Self, ReplyError> {
        Ok(Self::of(reply.stream()))
    }
}

/// The events as they come; none of an answer without content.
impl FromAnswer for EventStream {
    const ACCEPT: &'static str = "text/event-stream, application/problem+json";

    async fn from_answer(reply: Reply<'_>) -> Result<Self, ReplyError> {
        if reply.status() == StatusCode::NO_CONTENT {
            return Ok(Self::of(stream::empty::<Event>()));
        }
        reply.check_media_type("text/event-stream")?;
        let (limit, origin) = (reply.limit(), reply.origin());
        let target = origin.target.clone().at(origin.channel);
        let pieces = Box::pin(reply.stream());
        Ok(Self::new(events(EventPieces { pieces, piece: Bytes::new(), reader: EventReader::new(limit), limit, target }).boxed()))
    }
}

/// A stream of bytes that are events.
struct EventPieces<S> {
    pieces: S,
    piece: Bytes,
    reader: EventReader,
    limit: usize,
    target: Target,
}

fn events<S>(pieces: EventPieces<S>) -> impl Stream<Item = Result<Event, BoxError>> + Send + 'static
where
    S: Stream<Item = Result<Bytes, StreamError>> + Unpin + Send + 'static,
{
    stream::try_unfold(pieces, |mut pieces| async move { Ok(pieces.next().await?.map(|event| (event, pieces))) })
}

impl<S: Stream<Item = Result<Bytes, StreamError>> + Unpin> EventPieces<S> {
    async fn next(&mut self) -> Result<Option<Event>, StreamError> {
        loop {
            let read = self.reader.read(&mut self.piece);
            if let Some(event) = read.map_err(|TooLarge| StreamError::too_large(&self.target, self.limit))? {
                return Ok(Some(event));
            }
            match self.pieces.next().await.transpose()? {
                Some(piece) => self.piece = piece,
                None if self.reader.is_within_an_event() => return Err(StreamError::within_an_event(&self.target)),
                None => return Ok(None),
            }
        }
    }
}
