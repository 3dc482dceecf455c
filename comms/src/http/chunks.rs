//! Bytes as they come.

use futures_util::{Stream, StreamExt as _};
use hyper::body::Bytes;

use super::streaming::{self, StreamItem, Streamed};
use super::{Answered, IntoAnswer};

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
#[derive(Clone, Debug)]
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

impl<S: Stream<Item: StreamItem<Bytes>> + Send + 'static> IntoAnswer for Chunks<S> {
    fn into_answer(self, status: u16) -> Answered {
        let pieces = self.stream.map(StreamItem::piece);
        super::answer::of_status(status, streaming::answer(pieces, "application/octet-stream", Streamed { endless: self.endless }))
    }
}
