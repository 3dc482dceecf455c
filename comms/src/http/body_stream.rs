//! A body piece by piece, on either side.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::Problem;
use super::streaming::StreamItem;
use crate::error::{BoxError, chain_text};

/// A body piece by piece. A route takes one as it comes: what is not taken yet is not sent yet. It ends with an error where it breaks
/// off (400), comes too slowly (408), or is larger than the route takes (413).
///
/// ```
/// use comms::http::{BodyStream, Problem};
///
/// async fn count(mut body: BodyStream) -> Result<usize, Problem> {
///     let mut bytes = 0;
///     while let Some(piece) = body.piece().await? {
///         bytes += piece.len();
///     }
///     Ok(bytes)
/// }
/// # let _ = count;
/// ```
///
/// A client sends one: [`BodyStream::of`] any stream, which is asked for more only as fast as the service takes it, or of a whole text,
/// whose length is told beforehand. One that a route has taken can be sent on as it is.
///
/// ```
/// use comms::http::BodyStream;
/// use futures_util::stream;
///
/// let rows = BodyStream::of(stream::iter((1..=3).map(|row| format!("{row}\n"))));
/// let whole = BodyStream::from("1\n2\n3\n");
/// # drop((rows, whole));
/// ```
#[must_use = "a body is read only as far as its pieces are taken"]
pub struct BodyStream {
    /// Never locked: a stream behind a lock may be shared, as the arguments that a fake keeps are.
    pieces: Mutex<BoxStream<'static, Result<Bytes, Problem>>>,
    /// All of it, as long as nothing was taken.
    content: Option<Bytes>,
}

impl BodyStream {
    pub(super) fn new(pieces: impl Stream<Item = Result<Bytes, Problem>> + Send + 'static) -> Self {
        Self { pieces: Mutex::new(pieces.boxed()), content: None }
    }

    /// Of a stream of `Bytes`, `Vec<u8>`, `String`, text, or results of these. An error breaks the body off: whoever reads it gets no end.
    pub fn of(pieces: impl Stream<Item: StreamItem<Bytes>> + Send + 'static) -> Self {
        Self::new(pieces.map(|piece| piece.piece().map_err(broken)))
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// 400 when the body breaks off, 408 when it comes too slowly, 413 when it is too large.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        self.next().await.transpose()
    }

    /// All of it, where that is known and nothing was taken yet: of one that was made of a whole text, and of one that a fake was called
    /// with.
    #[must_use]
    pub fn content(&self) -> Option<&Bytes> {
        self.content.as_ref()
    }

    /// With its content known: what a fake keeps.
    pub(super) async fn kept(mut self) -> Result<Self, Problem> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze().into())
    }

    /// As what is sent. Why it breaks off, if it does, is told to `failed`.
    pub(crate) fn into_body(self, failed: impl Fn(&Problem) + Send + 'static) -> Body {
        match self.content {
            Some(content) => Body::from(content),
            None => Body::from_stream(self.map(move |piece| piece.inspect_err(&failed))),
        }
    }
}

/// Why a stream of another make has no further piece.
fn broken(error: BoxError) -> Problem {
    match error.downcast::<Problem>() {
        Ok(problem) => *problem,
        Err(error) => Problem::new(400).detail("the body broke off").because(chain_text(error.as_ref()).join(": ")),
    }
}

impl From<Bytes> for BodyStream {
    fn from(content: Bytes) -> Self {
        let piece = (!content.is_empty()).then(|| Ok(content.clone()));
        Self { pieces: Mutex::new(stream::iter(piece).boxed()), content: Some(content) }
    }
}

macro_rules! whole {
    ($($type:ty)*) => {
        $(
            impl From<$type> for BodyStream {
                fn from(content: $type) -> Self {
                    Bytes::from(content).into()
                }
            }
        )*
    };
}

whole! { Vec<u8> String &'static str &'static [u8] }

impl Stream for BodyStream {
    type Item = Result<Bytes, Problem>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.content = None;
        self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll_next(task)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Some(content) => write!(f, "BodyStream({} bytes)", content.len()),
            None => f.write_str("BodyStream"),
        }
    }
}
