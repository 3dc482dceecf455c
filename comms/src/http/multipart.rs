//! `multipart/form-data`: forms with files.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::form_part::{form_of, media_type};
use super::one_by_one::OneByOne;
use super::{Arguments, BodyStream, FormPart, FromBody, Medium, Problem};

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
///
/// A client makes one of texts and files. What is a stream is sent as it comes; a form without one has a length that is told beforehand.
/// One that a route has taken can be sent on as it is, unless it has begun to read it.
///
/// ```
/// use comms::http::{BodyStream, Multipart};
/// use futures_util::stream;
///
/// let film = BodyStream::of(stream::iter(["frame 1", "frame 2"]));
/// let form = Multipart::new().text("title", "A cat").file("film", "cat.mp4", "video/mp4", film);
/// # drop(form);
/// ```
#[derive(Debug)]
#[must_use = "a form is read only as far as its fields are taken"]
pub struct Multipart(State);

#[derive(Debug)]
enum State {
    /// As it was made.
    Made(Vec<FormPart>),
    /// As it came, and the boundary between its fields.
    Came(String, BodyStream),
    /// Some of it was taken.
    Read(multer::Multipart<'static>),
}

/// One field of a [`Multipart`]. What is not taken of it is passed over by the next one.
#[derive(Debug)]
pub struct Field<'a> {
    inner: multer::Field<'static>,
    /// One field at a time: they come one after another.
    _form: &'a mut Multipart,
}

/// Its fields, of which nothing more is known.
impl Medium for Multipart {
    type Data = serde_json::Map<String, serde_json::Value>;
    const MEDIA: Option<&'static str> = Some(<Self as FromBody>::MEDIA_TYPE);
}

impl FromBody for Multipart {
    const MEDIA_TYPE: &'static str = "multipart/form-data";

    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        arguments.check_media_type(&[Self::MEDIA_TYPE])?;
        let content_type = arguments.parts().headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type)
            .map_err(|_| Problem::new(400).detail("the `content-type` has no `boundary`, which ends each field"))?;
        let form = Self(State::Came(boundary, arguments.stream()?));
        if arguments.are_kept() { form.kept().await } else { Ok(form) }
    }
}

impl Default for Multipart {
    fn default() -> Self {
        Self(State::Made(Vec::new()))
    }
}

impl Multipart {
    /// An empty one, to be sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this field.
    ///
    /// # Panics
    /// When it is none that is being made, but came with a request.
    pub fn part(mut self, part: FormPart) -> Self {
        let State::Made(parts) = &mut self.0 else { panic!("a form that came with a request can't have further fields") };
        parts.push(part);
        self
    }

    /// With a text.
    ///
    /// # Panics
    /// As [`part`](Self::part).
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.part(FormPart::new(name, text.into()))
    }

    /// With a file: its name, its media type, and its content, which may be a stream.
    ///
    /// # Panics
    /// As [`part`](Self::part).
    pub fn file(
        self,
        name: impl Into<String>,
        file_name: impl Into<String>,
        media_type: impl Into<String>,
        content: impl Into<BodyStream>,
    ) -> Self {
        self.part(FormPart::new(name, content).file_name(file_name).media_type(media_type))
    }

    /// The fields that it was made of, and those that a fake was called with; none of one that came with a request.
    pub fn parts(&self) -> &[FormPart] {
        match &self.0 {
            State::Made(parts) => parts,
            State::Came(..) | State::Read(_) => &[],
        }
    }

    /// Its content type and its body, as it is sent.
    ///
    /// # Errors
    /// Why it can't be.
    pub(crate) fn into_form(self) -> Result<(HeaderValue, BodyStream), String> {
        let (boundary, body) = self.into_body()?;
        Ok((media_type(&boundary)?, body))
    }

    fn into_body(self) -> Result<(String, BodyStream), String> {
        match self.0 {
            State::Made(parts) => form_of(parts),
            State::Came(boundary, body) => Ok((boundary, body)),
            State::Read(_) => Err("some of the form was read, and the rest is none: make a new form of what was read".to_owned()),
        }
    }

    /// With its fields and their contents known: what a fake keeps.
    async fn kept(mut self) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        while let Some(field) = self.field().await? {
            let [name, file_name, media_type] = [field.name(), field.file_name(), field.content_type()].map(|text| text.map(str::to_owned));
            let part = FormPart::new(name.unwrap_or_default(), field.bytes().await?);
            let part = file_name.into_iter().fold(part, FormPart::file_name);
            parts.push(media_type.into_iter().fold(part, FormPart::media_type));
        }
        Ok(Self(State::Made(parts)))
    }

    /// What reads it.
    fn reader(&mut self) -> Result<&mut multer::Multipart<'static>, Problem> {
        if !matches!(self.0, State::Read(_)) {
            let (boundary, body) = std::mem::take(self).into_body().map_err(|why| Problem::new(400).detail(why))?;
            self.0 = State::Read(multer::Multipart::new(OneByOne::of(body), boundary));
        }
        match &mut self.0 {
            State::Read(form) => Ok(form),
            State::Made(_) | State::Came(..) => Err(Problem::new(500).because("a form is not being read")),
        }
    }

    /// The next field; none at the end.
    ///
    /// # Errors
    /// 400 when it is no form of this kind or breaks off, 408 when it comes too slowly, 413 when it is too large.
    pub async fn field(&mut self) -> Result<Option<Field<'_>>, Problem> {
        let next = self.reader()?.next_field().await.map_err(wrong)?;
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
