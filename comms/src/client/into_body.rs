//! Bodies that are sent another way than as JSON.

use bytes::Bytes;
use hyper::header::HeaderValue;
use serde::Serialize;

use super::{Call, fields};
use crate::error::BoxError;
use crate::http::{BodyStream, Form};

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// What the client of a contract may send as a body beside data, which is written as JSON: the mirror of
/// [`FromBody`](crate::http::FromBody).
///
/// ```
/// use comms::BoxError;
/// use comms::client::{Call, IntoBody};
///
/// /// Comma-separated values.
/// struct Csv(Vec<Vec<String>>);
///
/// impl IntoBody for Csv {
///     fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError> {
///         let lines: Vec<String> = self.0.iter().map(|line| line.join(",") + "\n").collect();
///         call.body("text/csv".parse()?, lines.concat());
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the client of a contract can't send `{Self}`",
    label = "a service takes this its own way, and its client does not know how to send it",
    note = "implement `comms::client::IntoBody` for it, beside `comms::http::FromBody`"
)]
pub trait IntoBody: Sized {
    /// Puts itself into the call.
    ///
    /// # Errors
    /// Why it can't be sent: the call is not made then.
    fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError>;
}

/// As it is.
impl IntoBody for Bytes {
    fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError> {
        call.body(BYTES, self);
        Ok(())
    }
}

/// As plain text.
impl IntoBody for String {
    fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError> {
        call.body(TEXT, self);
        Ok(())
    }
}

/// As it comes.
impl IntoBody for BodyStream {
    fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError> {
        call.stream(BYTES, self);
        Ok(())
    }
}

/// Its fields, which are written as a query is.
impl<T: Serialize> IntoBody for Form<T> {
    fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError> {
        call.body(FORM, fields::write(&self.0)?);
        Ok(())
    }
}

/// Field by field, as they come.
#[cfg(feature = "multipart")]
impl IntoBody for crate::http::Multipart {
    fn into_body(self, call: &mut Call<'_>) -> Result<(), BoxError> {
        let (content_type, body) = self.into_form()?;
        call.stream(content_type, body);
        Ok(())
    }
}
