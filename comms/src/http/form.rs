//! `application/x-www-form-urlencoded`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use super::arguments::decoded;
use super::{Arguments, FromBody, Medium, Problem, text};

/// As a browser sends it.
const FORM: &str = "application/x-www-form-urlencoded";

/// A form, `application/x-www-form-urlencoded`, as a struct of its fields. They are read as the parameters of a query: an `Option`
/// may be absent, a list takes a field given several times; one that may be empty has `#[serde(default)]`.
///
/// ```
/// use comms::http::Form;
///
/// #[derive(serde::Deserialize)]
/// struct Login { user: String, remember: Option<bool>, #[serde(default)] scope: Vec<String> }
///
/// // #[post("/login")]
/// async fn login(Form(login): Form<Login>) -> String {
///     login.user
/// }
/// # let _ = login;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T> Deref for Form<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Medium for Form<T> {
    type Data = T;
    const MEDIA: Option<&'static str> = Some(FORM);
}

impl<T: DeserializeOwned + Send> FromBody for Form<T> {
    const MEDIA_TYPE: &'static str = FORM;

    async fn from_body(arguments: &mut Arguments) -> Result<Self, Problem> {
        arguments.check_media_type(&[Self::MEDIA_TYPE])?;
        let bytes = arguments.bytes().await?;
        let not_utf8 = || Problem::new(400).detail("the form is no UTF-8");
        let text = std::str::from_utf8(&bytes).map_err(|_| not_utf8())?;
        let fields = fields(text).ok_or_else(not_utf8)?;
        text::read_fields(&fields).map(Self).map_err(|invalid| Problem::new(422).detail(format!("the form: {invalid}")))
    }
}

/// The values of each field; `None` when they are no UTF-8.
fn fields(text: &str) -> Option<BTreeMap<Cow<'_, str>, Vec<Cow<'_, str>>>> {
    let mut fields: BTreeMap<Cow<'_, str>, Vec<Cow<'_, str>>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.entry(decoded(name)?).or_default().push(decoded(value)?);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Login {
        user: String,
        age: Option<u8>,
        #[serde(default)]
        scope: Vec<String>,
    }

    fn read(text: &str) -> Result<Login, String> {
        text::read_fields(&fields(text).unwrap()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn fields_are_read_by_their_types() {
        let login = |age, scope: &[&str]| Login { user: "a b&c".into(), age, scope: scope.iter().map(ToString::to_string).collect() };
        assert_eq!(read("user=a+b%26c"), Ok(login(None, &[])));
        assert_eq!(read("scope=x&user=a%20b%26c&age=7&scope=y&&other=1"), Ok(login(Some(7), &["x", "y"])));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        assert_eq!(read("age=7").unwrap_err(), "missing field `user`");
        assert_eq!(read("user=a&age=300").unwrap_err(), "`age`: expected a whole number from 0 to 255, found `300`");
        assert_eq!(read("user=a&user=b").unwrap_err(), "`user`: it is given 2 times, and may be given once");
        assert!(fields("user=%FF").is_none());
    }
}
