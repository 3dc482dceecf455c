//! The fields of a form with files, as they are sent.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt as _};
use hyper::header::HeaderValue;
use rand::RngExt as _;

use super::{BodyStream, Problem};

/// A field of a [`Multipart`](super::Multipart) that is sent.
///
/// ```
/// use comms::http::{FormPart, Multipart};
///
/// let picture = FormPart::new("picture", b"..".as_slice()).file_name("cat.png").media_type("image/png");
/// let form = Multipart::new().text("title", "A cat").part(picture);
/// # drop(form);
/// ```
#[derive(Debug)]
#[must_use = "it is sent only within a form"]
pub struct FormPart {
    name: String,
    file_name: Option<String>,
    media_type: Option<String>,
    content: BodyStream,
}

impl FormPart {
    /// Of this name, with this content: a text, bytes, or a stream of them, which is sent as it comes.
    pub fn new(name: impl Into<String>, content: impl Into<BodyStream>) -> Self {
        Self { name: name.into(), file_name: None, media_type: None, content: content.into() }
    }

    /// A file of this name.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Of this media type; without one a file is of `application/octet-stream`, and anything else says nothing.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name_text(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// Its media type, if it says one.
    #[must_use]
    pub fn media_type_text(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// All of it, where that is known: of one that was made of a whole text, and of one that a fake was called with.
    #[must_use]
    pub fn content(&self) -> Option<&Bytes> {
        self.content.content()
    }

    /// What stands before its content.
    fn head(&self, boundary: &str) -> Result<String, String> {
        let Self { name, file_name, media_type, .. } = self;
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name));
        if let Some(file_name) = file_name {
            // Writing to a string can't fail.
            let _ = write!(head, "; filename=\"{}\"", quoted(file_name));
        }
        let media_type = media_type.as_deref().or_else(|| file_name.as_ref().map(|_| "application/octet-stream"));
        if let Some(media_type) = media_type {
            let is_one = media_type.contains('/') && media_type.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !is_one {
                return Err(format!("the field `{name}` of the form: {media_type:?} is no media type"));
            }
            let _ = write!(head, "\r\nContent-Type: {media_type}");
        }
        head.push_str("\r\n\r\n");
        Ok(head)
    }
}

/// As browsers write it: what would end the name, or the line, is percent-encoded.
fn quoted(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len());
    for sign in name.chars() {
        match sign {
            '"' | '\\' | '\0'..='\x1F' | '\x7F' => drop(write!(quoted, "%{:02X}", u32::from(sign))),
            sign => quoted.push(sign),
        }
    }
    quoted
}

/// The parts as one body, and the boundary between them, which nobody can foresee.
pub(super) fn form_of(parts: Vec<FormPart>) -> Result<(String, BodyStream), String> {
    let boundary = format!("{:032x}{:032x}", rand::rng().random::<u128>(), rand::rng().random::<u128>());
    let heads: Result<Vec<String>, String> = parts.iter().map(|part| part.head(&boundary)).collect();
    let (heads, end) = (heads?, format!("--{boundary}--\r\n"));
    let body = match whole(&parts, &heads, &end) {
        Some(whole) => whole.into(),
        None => BodyStream::new(pieces(parts, heads, end)),
    };
    Ok((boundary, body))
}

/// A body whose length can be told, if all of it is known.
fn whole(parts: &[FormPart], heads: &[String], end: &str) -> Option<Bytes> {
    let mut all = BytesMut::new();
    for (part, head) in parts.iter().zip(heads) {
        let content = part.content()?;
        [head.as_bytes(), content, b"\r\n"].into_iter().for_each(|piece| all.extend_from_slice(piece));
    }
    all.extend_from_slice(end.as_bytes());
    Some(all.freeze())
}

fn pieces(parts: Vec<FormPart>, heads: Vec<String>, end: String) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'static {
    let one = |text: Bytes| stream::iter([Ok(text)]);
    let fields =
        parts.into_iter().zip(heads).map(move |(part, head)| one(head.into()).chain(part.content).chain(one(Bytes::from_static(b"\r\n"))));
    stream::iter(fields).flatten().chain(one(end.into()))
}

/// What is sent as the type of such a body.
pub(super) fn media_type(boundary: &str) -> Result<HeaderValue, String> {
    let is_token = boundary.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let mark = if is_token { "" } else { "\"" };
    HeaderValue::from_str(&format!("multipart/form-data; boundary={mark}{boundary}{mark}"))
        .map_err(|_| format!("the boundary {boundary:?} can't be sent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_end_its_header() {
        let part = FormPart::new("a\"; x=\"\r\nevil: 1\r\n\r\n", "x").file_name("ä\\.png\0");
        let head = part.head("b").unwrap();
        let name = "a%22; x=%22%0D%0Aevil: 1%0D%0A%0D%0A";
        let expected = format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"ä%5C.png%00\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        assert_eq!(head, expected);
    }

    #[test]
    fn a_media_type_is_one() {
        for wrong in ["text", "text/plain\r\nevil: 1", "text/plain\u{e4}", ""] {
            let error = FormPart::new("a", "x").media_type(wrong).head("b").unwrap_err();
            assert!(error.starts_with("the field `a` of the form:"), "{error}");
        }
    }

    #[test]
    fn boundaries_differ() {
        let boundary = || form_of(Vec::new()).unwrap().0;
        assert!(boundary() != boundary() && boundary().len() == 64);
    }
}
