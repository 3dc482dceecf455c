//! A value with a status and headers of its own.

use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::{Answered, Medium, Problem};

/// An answer with its own status and headers: of data, of nothing, or of anything else that a route may answer with. The client of a
/// contract gets them back.
///
/// ```
/// use comms::http::With;
///
/// // #[post("/orders")]
/// async fn place() -> With<u64> {
///     With::new(7).status(201).header("location", "/orders/7")
/// }
///
/// let placed = With::new(7).status(201).header("location", "/orders/7");
/// assert_eq!((placed.value(), placed.status_code(), placed.header_text("location")), (&7, Some(201), Some("/orders/7")));
/// # let _ = place;
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is answered only when the route returns it"]
pub struct With<T> {
    value: T,
    head: Head,
}

#[derive(Clone, Debug, Default)]
struct Head {
    status: Option<u16>,
    headers: HeaderMap,
    wrong: Option<String>,
}

/// Of the data, as JSON; what it is with is not said, and its status may be any.
impl<T> Medium for With<T> {
    type Data = T;
    const MEDIA: Option<&'static str> = Some("application/json");
    const OWN_STATUS: bool = true;
}

impl<T> With<T> {
    /// The value, so far as it would be without this.
    pub fn new(value: T) -> Self {
        Self { value, head: Head::default() }
    }

    /// With this status, whatever the route declares.
    pub fn status(mut self, status: u16) -> Self {
        self.head.status = Some(status);
        self
    }

    /// With this header, in the place of one that the answer would have anyway. Given again, it is there again.
    ///
    /// What can't stand in a header makes the answer a 500, and the log says why.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => drop(self.head.headers.append(name, value)),
            (Err(_), _) => self.head.wrong = Some("the name of a header of the answer is none".to_owned()),
            (Ok(name), Err(_)) => self.head.wrong = Some(format!("the value of the header `{name}` of the answer can't stand in one")),
        }
        self
    }

    /// What a client was answered.
    pub(crate) fn received(value: T, status: StatusCode, headers: HeaderMap) -> Self {
        Self { value, head: Head { status: Some(status.as_u16()), headers, wrong: None } }
    }

    /// The same with another value.
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> With<U> {
        With { value: map(self.value), head: self.head }
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The status: that of the answer at a client; at a service the one that was given, if one was.
    #[must_use]
    pub fn status_code(&self) -> Option<u16> {
        self.head.status
    }

    /// The headers: all of the answer at a client; at a service those that were given.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A header, if it is there and text.
    #[must_use]
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The answer of the value, with these.
    pub(crate) fn answer(self, status: u16, answer: impl FnOnce(u16, T) -> Answered) -> Answered {
        let Head { status: own, headers, wrong } = self.head;
        if let Some(wrong) = wrong {
            return Err(Problem::new(500).because(wrong));
        }
        let mut response = answer(status, self.value)?;
        if let Some(own) = own {
            let none = |_| Problem::new(500).because(format_args!("{own} is no status"));
            *response.status_mut() = StatusCode::from_u16(own).map_err(none)?;
        }
        headers.keys().for_each(|name| drop(response.headers_mut().remove(name)));
        response.headers_mut().extend(headers);
        Ok(response)
    }
}
