//! Bodies that are taken another way than as JSON.

use std::future::Future;

use bytes::Bytes;

use super::{Arguments, BodyStream, Problem};

/// What a route may take as its body beside JSON. An argument that implements it is asked; any other is read as JSON. In a contract it
/// implements [`IntoBody`](crate::client::IntoBody) too, by which its client sends it.
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

/// Piece by piece, as it comes.
impl FromBody for BodyStream {
    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        let body = arguments.stream()?;
        if arguments.are_kept() { body.kept().await } else { Ok(body) }
    }
}
