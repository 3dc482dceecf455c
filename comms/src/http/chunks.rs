//! Bytes as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use hyper::body::Bytes;

use super::streaming::{self, StreamItem, Streamed};
use super::{Answered, IntoAnswer};
use crate::error::BoxError;

/// An answer piece by piece, as the stream gives them: `Bytes`, `Vec<u8>`, `String`, text, or results of these. The stream is asked for
/// more only as fast as the client reads, and dropped when the client goes away. An error breaks the answer off.
///
/// Its type is `application/octet-stream`; another one is said by [`With`](super::With). The route's timeout bounds what comes
/// before the stream, not the stream.
///
/// ```
/// use comms::http::{Chunks, With};
/// use futures_util::stream::{self, Stream};
///
/// // #[get("/export")]
/// async fn export() -> With<Chunks<impl Stream<Item = String>>> {
///     With::new(Chunks::new(stream::iter((1..=3).map(|row| format!("{row}\n"))))).header("content-type", "text/csv")
/// }
/// # let _ = export;
/// ```
#[derive(Clone)]
#[must_use = "it is answered only when the route returns it"]
pub struct Chunks<S> {
    stream: S,
    endless: bool,
}

impl<S> Chunks<S> {
    /// Of a stream that ends. When the service stops, it may end within the shutdown timeout, as any request in hand; then it is broken off.
    pub fn new(stream: S) -> Self {
        Self { stream, endless: false }
    }

    /// Of a stream without an end: when the service stops, the answer ends at once, in good order.
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }
}

/// Bytes as they come, by a name that a contract can say: a service answers [`ByteStream::of`](Chunks::of) any stream, and its client gets the
/// bytes as they arrive. What breaks off ends with an error; dropping it ends the stream at the service.
///
/// ```
/// use comms::BoxError;
/// use comms::http::ByteStream;
///
/// async fn count(mut export: ByteStream) -> Result<usize, BoxError> {
///     let mut bytes = 0;
///     while let Some(piece) = export.piece().await? {
///         bytes += piece.len();
///     }
///     Ok(bytes)
/// }
/// # let _ = count;
/// ```
pub type ByteStream = Chunks<BoxStream<'static, Result<Bytes, BoxError>>>;

impl Chunks<BoxStream<'static, Result<Bytes, BoxError>>> {
    /// Of any stream that may be answered.
    pub fn of(stream: impl Stream<Item: StreamItem<Bytes>> + Send + 'static) -> Self {
        Self::new(stream.map(StreamItem::piece).boxed())
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// When there is none, and this is not the end: at a client a [`StreamError`](crate::client::StreamError).
    pub async fn piece(&mut self) -> Result<Option<Bytes>, BoxError> {
        self.stream.next().await.transpose()
    }
}

/// Whatever the stream is.
impl<S> fmt::Debug for Chunks<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("endless", &self.endless).finish_non_exhaustive()
    }
}

impl<S: Stream + Unpin> Stream for Chunks<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.stream).poll_next(task)
    }
}

impl<S: Stream<Item: StreamItem<Bytes>> + Send + 'static> IntoAnswer for Chunks<S> {
    fn into_answer(self, status: u16) -> Answered {
        let pieces = self.stream.map(StreamItem::piece);
        super::answer::of_status(status, streaming::answer(pieces, "application/octet-stream", Streamed { endless: self.endless }))
    }
}
