//! What a document says of the types of a route: asked when a document is made, never when a request is answered.

use std::borrow::Cow;
use std::fmt;

use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::{Raw, text};

/// How an argument, a body or an answer looks on the wire. The attribute makes one of each type; without one, a document says that
/// anything may be there.
///
/// Declarations are compared without it: two functions that say the same can't be told from two that don't.
#[derive(Clone, Copy)]
pub struct Shape(fn(&mut SchemaGenerator) -> Content);

impl Shape {
    /// That which the function says.
    #[must_use]
    pub const fn new(content: fn(&mut SchemaGenerator) -> Content) -> Self {
        Self(content)
    }

    /// What is to be said; definitions that it refers to go to the generator, under `#/$defs/`.
    pub fn content(self, generator: &mut SchemaGenerator) -> Content {
        (self.0)(generator)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shape")
    }
}

impl PartialEq for Shape {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shape {}

/// What is said of a type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Content {
    /// The type in Rust, for people.
    pub type_name: &'static str,
    /// The media type, `*/*` for any, or nothing where there is no content.
    pub media: Option<&'static str>,
    /// The JSON Schema (2020-12) of the data, if the type has one.
    pub schema: Option<Schema>,
    /// Whether the value may be left out.
    pub optional: bool,
    /// Whether an answer chooses its status itself, whatever the route declares.
    pub own_status: bool,
    /// The statuses of what goes wrong and when, as [`HttpError::statuses`](super::HttpError::statuses) has them.
    pub refusals: &'static [(u16, &'static str)],
}

impl Content {
    /// Content of the media type, which must be there and of which nothing more is known.
    #[must_use]
    pub const fn new(type_name: &'static str, media: Option<&'static str>) -> Self {
        Self { type_name, media, schema: None, optional: false, own_status: false, refusals: &[] }
    }
}

/// A type that travels in another form than JSON, for documents.
///
/// Implement it beside [`IntoAnswer`](super::IntoAnswer) for an answer of your own. Without it a document says that such an answer may be
/// anything.
///
/// ```
/// use comms::http::{Answered, IntoAnswer, Medium, Raw};
///
/// struct Page(String);
///
/// impl IntoAnswer for Page {
///     fn into_answer(self, status: u16) -> Answered {
///         let mut response = comms::http::Response::new(self.0.into());
///         *response.status_mut() = comms::http::StatusCode::from_u16(status).unwrap_or_default();
///         response.headers_mut().insert("content-type", "text/html".parse().expect("it is one"));
///         Raw(response).into_answer(status)
///     }
/// }
///
/// impl Medium for Page {
///     type Data = String;
///     const MEDIA: Option<&'static str> = Some("text/html");
/// }
/// ```
pub trait Medium {
    /// The data, whose schema is that of the content.
    type Data;
    /// The media type, `*/*` for any, or nothing where there is no content.
    const MEDIA: Option<&'static str>;
    /// Whether an answer chooses its status itself, whatever the route declares.
    const OWN_STATUS: bool = false;
}

/// Nothing.
impl Medium for () {
    type Data = ();
    const MEDIA: Option<&'static str> = None;
}

/// Anything.
impl Medium for Raw {
    type Data = ();
    const MEDIA: Option<&'static str> = Some(ANYTHING);
    const OWN_STATUS: bool = true;
}

/// Of an answer that says itself what it is.
pub(crate) const ANYTHING: &str = "*/*";

/// Whether a parameter of the type may be left out: what a request without it is told.
pub(crate) fn parameter_is_optional<T: DeserializeOwned>() -> bool {
    let none: &[Cow<'_, str>] = &[];
    text::read::<T>(none).is_ok()
}

/// Whether a JSON body of the type may be left out: what an empty one is read as.
pub(crate) fn body_is_optional<T: DeserializeOwned>() -> bool {
    serde_json::from_str::<T>("null").is_ok()
}
