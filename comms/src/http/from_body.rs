//! Bodies that are taken another way than as JSON.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _};

use super::{Arguments, Problem};

/// What a route may take as its body beside JSON. An argument that implements it is asked; any other is read as JSON.
///
/// ```
/// use comms::http::{Arguments, FromBody, Problem};
///
/// /// Comma-separated values.
/// struct Csv(Vec<Vec<String>>);
///
/// impl FromBody for Csv {
///     const MEDIA_TYPE: &'static str = "text/csv";
///
///     async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
///         arguments.check_media_type(&[Self::MEDIA_TYPE])?;
///         let text = String::from_body(arguments).await?;
///         Ok(Self(text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the body of a route",
    note = "implement `serde::Deserialize` for it, and it is read as JSON, or `comms::http::FromBody`"
)]
pub trait FromBody: Sized + Send {
    /// The media type that it is made of, for documents.
    const MEDIA_TYPE: &'static str = "application/octet-stream";

    /// Takes the body.
    ///
    /// # Errors
    /// What is wrong with it, for the client.
    fn from_body(arguments: &mut Arguments) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// The whole body as it came, of any type.
impl FromBody for Bytes {
    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        arguments.bytes().await
    }
}

/// The whole body as UTF-8, of any type.
impl FromBody for String {
    const MEDIA_TYPE: &'static str = "text/plain";

    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        let bytes = arguments.bytes().await?;
        Self::from_utf8(bytes.into()).map_err(|_| Problem::new(400).detail("the body is no UTF-8"))
    }
}

/// The body piece by piece, as it comes: what is not taken yet is not sent yet. It ends with an error where it breaks off (400),
/// comes too slowly (408), or is larger than the route takes (413).
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
#[must_use = "a body is read only as far as its pieces are taken"]
pub struct BodyStream(BoxStream<'static, Result<Bytes, Problem>>);

impl BodyStream {
    pub(super) fn new(pieces: impl Stream<Item = Result<Bytes, Problem>> + Send + 'static) -> Self {
        Self(pieces.boxed())
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// 400 when the body breaks off, 408 when it comes too slowly, 413 when it is too large.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        self.0.next().await.transpose()
    }
}

impl FromBody for BodyStream {
    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        arguments.stream()
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, Problem>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(task)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyStream")
    }
}
