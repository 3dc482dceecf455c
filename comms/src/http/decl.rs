//! What an attribute says of a route: plain constants that generated code builds and `wiring` prints.

use std::fmt;
use std::time::Duration;

use super::Shape;
use crate::location::Location;

/// The method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Reads; changes nothing. Answers `HEAD` too.
    Get,
    /// Does something, or adds something.
    Post,
    /// Puts something in a place, whatever was there.
    Put,
    /// Changes a part.
    Patch,
    /// Takes something away.
    Delete,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// As it stands in a request: `GET`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the value of an argument comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A `{name}` of the path.
    Path,
    /// `?name=value`.
    Query,
    /// A header.
    Header,
    /// The body, JSON.
    Body,
    /// An extractor of its own.
    Extracted,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Body => "body",
            Self::Extracted => "extracted",
        })
    }
}

/// An argument of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParameterDecl {
    /// Its name: in the path, in the query, of the header, or of the argument.
    pub name: &'static str,
    /// Where its value comes from.
    pub place: Place,
    /// What documents say of its type.
    pub shape: Option<Shape>,
}

impl ParameterDecl {
    /// An argument of the name, from the place.
    #[must_use]
    pub const fn new(name: &'static str, place: Place) -> Self {
        Self { name, place, shape: None }
    }

    /// Documents say this of its type.
    #[must_use]
    pub const fn shape(mut self, shape: Shape) -> Self {
        self.shape = Some(shape);
        self
    }
}

/// What `#[get("/orders/{id}")]` and its siblings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteDecl {
    /// The method of the request.
    pub verb: Verb,
    /// The path: `/orders/{id}`; the last segment may be `{*rest}`.
    pub path: &'static str,
    /// The name of the method.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// How long a request may take, from the end of its head to the answer. Default: 30 s.
    pub timeout: Duration,
    /// The largest body that is read, in bytes. Default: 1 MiB.
    pub body_limit: usize,
    /// The status of success. Default: 200; a route that returns nothing answers 204 then.
    pub status: u16,
    /// The doc comment.
    pub doc: Option<&'static str>,
    /// The arguments, in order.
    pub parameters: &'static [ParameterDecl],
    /// What documents say of a successful answer.
    pub answer: Option<Shape>,
    /// What documents say of the member `error` of its problems; of contracts.
    pub error: Option<Shape>,
    /// `idempotent`: carrying a request out twice does what once does.
    pub idempotent: bool,
    /// `idempotency_key`: the service knows a repetition by the header `idempotency-key`.
    pub idempotency_key: bool,
}

impl RouteDecl {
    /// A route with the defaults: 30 seconds, 1 MiB, status 200.
    #[must_use]
    pub const fn new(verb: Verb, path: &'static str, name: &'static str, location: Location) -> Self {
        let (timeout, body_limit) = (Duration::from_secs(30), 1 << 20);
        Self {
            verb,
            path,
            name,
            location,
            timeout,
            body_limit,
            status: 200,
            doc: None,
            parameters: &[],
            answer: None,
            error: None,
            idempotent: false,
            idempotency_key: false,
        }
    }

    /// A request may take so long.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A body may have so many bytes.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Success has this status.
    ///
    /// # Panics
    /// When it is none of success or redirection, 200 to 399; in a constant that is a build error.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        assert!(status >= 200 && status < 400, "`status` is that of success: from 200 to 399");
        self.status = status;
        self
    }

    /// With this doc comment.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }

    /// With these arguments.
    #[must_use]
    pub const fn parameters(mut self, parameters: &'static [ParameterDecl]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Carrying a request out twice does what once does.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The service knows a repetition by the header `idempotency-key`.
    #[must_use]
    pub const fn idempotency_key(mut self) -> Self {
        self.idempotency_key = true;
        self
    }

    /// Whether carrying a request out twice does what once does: it says so, or HTTP says so of its method (GET, PUT and DELETE).
    #[must_use]
    pub const fn is_idempotent(&self) -> bool {
        self.idempotent || matches!(self.verb, Verb::Get | Verb::Put | Verb::Delete)
    }

    /// Documents say this of a successful answer.
    #[must_use]
    pub const fn answer(mut self, shape: Shape) -> Self {
        self.answer = Some(shape);
        self
    }

    /// Documents say this of the member `error` of its problems.
    #[must_use]
    pub const fn error(mut self, shape: Shape) -> Self {
        self.error = Some(shape);
        self
    }
}

impl fmt::Display for RouteDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.path)
    }
}
