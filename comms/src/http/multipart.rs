//! `multipart/form-data`: forms with files.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use super::{Arguments, FromBody, Problem};

/// A form with files, `multipart/form-data`, field by field as it comes. All of it together is within the body limit of the route.
///
/// ```
/// use comms::http::{Multipart, Problem};
///
/// // #[post("/pictures", limit(body = "16MiB"))]
/// async fn upload(mut form: Multipart) -> Result<usize, Problem> {
///     let mut bytes = 0;
///     while let Some(mut field) = form.field().await? {
///         while let Some(piece) = field.piece().await? {
///             bytes += piece.len();
///         }
///     }
///     Ok(bytes)
/// }
/// # let _ = upload;
/// ```
#[derive(Debug)]
#[must_use = "a form is read only as far as its fields are taken"]
pub struct Multipart(multer::Multipart<'static>);

/// One field of a [`Multipart`]. What is not taken of it is passed over by the next one.
#[derive(Debug)]
pub struct Field<'a> {
    inner: multer::Field<'static>,
    /// One field at a time: they come one after another.
    _form: &'a mut Multipart,
}

impl FromBody for Multipart {
    const MEDIA_TYPE: &'static str = "multipart/form-data";

    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        arguments.check_media_type(&[Self::MEDIA_TYPE])?;
        let content_type = arguments.parts().headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type)
            .map_err(|_| Problem::new(400).detail("the `content-type` has no `boundary`, which ends each field"))?;
        Ok(Self(multer::Multipart::new(arguments.stream()?, boundary)))
    }
}

impl Multipart {
    /// The next field; none at the end.
    ///
    /// # Errors
    /// 400 when it is no form of this kind or breaks off, 408 when it comes too slowly, 413 when it is too large.
    pub async fn field(&mut self) -> Result<Option<Field<'_>>, Problem> {
        let next = self.0.next_field().await.map_err(wrong)?;
        Ok(next.map(|inner| Field { inner, _form: self }))
    }
}

impl Field<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }

    /// The name of its file at the client. It is the client's to choose: no path to write to.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.inner.file_name()
    }

    /// Its media type, if it says one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.inner.content_type().map(AsRef::as_ref)
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The next piece of it; none at its end.
    ///
    /// # Errors
    /// As [`Multipart::field`].
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        self.inner.chunk().await.map_err(wrong)
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Multipart::field`].
    pub async fn bytes(self) -> Result<Bytes, Problem> {
        self.inner.bytes().await.map_err(wrong)
    }

    /// All of it, UTF-8.
    ///
    /// # Errors
    /// As [`Multipart::field`], and 400 when it is no UTF-8.
    pub async fn text(self) -> Result<String, Problem> {
        let name = self.name().unwrap_or_default().to_owned();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|_| Problem::new(400).detail(format!("the field `{name}` is no UTF-8")))
    }
}

/// What the body said of itself, else what is wrong with the form.
fn wrong(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(cause) => Problem::new(400).detail("the body could not be read to its end").because(cause),
        },
        error => Problem::new(400).detail(format!("the form: {error}")),
    }
}
