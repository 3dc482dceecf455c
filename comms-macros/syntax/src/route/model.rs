//! What a checked route attribute says.

use std::time::Duration;

use proc_macro2::Ident;
use syn::Type;

use super::Template;
use crate::{Common, Setting};

/// The method of the requests that a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `#[get]`.
    Get,
    /// `#[post]`.
    Post,
    /// `#[put]`.
    Put,
    /// `#[patch]`.
    Patch,
    /// `#[delete]`.
    Delete,
}

impl Verb {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The name of the attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// The attribute, as it is written.
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Get => "#[get]",
            Self::Post => "#[post]",
            Self::Put => "#[put]",
            Self::Patch => "#[patch]",
            Self::Delete => "#[delete]",
        }
    }

    /// As it stands in a request: `GET`.
    #[must_use]
    pub fn method(self) -> String {
        self.name().to_ascii_uppercase()
    }

    /// Whether its requests bring a body.
    #[must_use]
    pub fn has_body(self) -> bool {
        !matches!(self, Self::Get | Self::Delete)
    }
}

/// What the caller may do who does not know whether a call has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// `idempotent`: send it again.
    Idempotent,
    /// `idempotency_key`: send it again with the key that the first one had.
    Key,
}

/// A route: a method of a service.
#[derive(Clone, Debug)]
pub struct Route {
    /// What all models have.
    pub common: Common,
    /// Which requests it answers.
    pub verb: Verb,
    /// The method.
    pub ident: Ident,
    /// Their path.
    pub path: Template,
    /// Its arguments, in order.
    pub parameters: Vec<Parameter>,
    /// What it returns, unless nothing.
    pub output: Option<Type>,
    /// The status of a successful answer, unless it follows from what is returned.
    pub status: Option<u16>,
    /// How long an answer may take, unless the default.
    pub timeout: Option<Setting<Duration>>,
    /// How many bytes a body may have, unless the default.
    pub body_limit: Option<Setting<u64>>,
}

impl Route {
    /// The requests that it answers: `GET /orders/{id}`.
    #[must_use]
    pub fn requests(&self) -> String {
        format!("{} {}", self.verb.method(), self.path.text)
    }
}

/// An argument of a route.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where its value comes from.
    pub place: Place,
    /// Its name there. A body and what is extracted have none; theirs is that of the argument.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// Where the value of an argument comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A parameter of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// The JSON body.
    Body,
    /// An extractor makes it of the request.
    Extracted,
}
