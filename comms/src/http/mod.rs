//! HTTP: what a route is, and the server that answers.
//!
//! A route is a method of a service under `#[get]`, `#[post]`, `#[put]`, `#[patch]` or `#[delete]`. The attribute implements
//! [`Route`] beside it; by hand that looks like this:
//!
//! ```
//! use std::sync::Arc;
//! use comms::http::{Answered, Arguments, Location, Route, RouteDecl, Verb};
//!
//! struct Greeter;
//!
//! struct Greet;
//!
//! impl Route for Greet {
//!     type Service = Greeter;
//!     const DECL: RouteDecl = RouteDecl::new(Verb::Get, "/greet/{name}", "greet", Location::new(file!(), line!()));
//!
//!     async fn call(_: Arc<Greeter>, mut arguments: Arguments) -> Answered {
//!         let name: String = arguments.path("name")?;
//!         comms::__answered!(Self::DECL.status, format!("hello {name}"))
//!     }
//! }
//! ```

mod access;
pub(crate) mod answer;
mod arguments;
mod body;
mod body_stream;
mod busy;
pub(crate) mod carried;
mod chunks;
mod connection;
mod decl;
mod endpoint;
pub(crate) mod event_reader;
mod events;
pub(crate) mod failure;
mod form;
#[cfg(feature = "multipart")]
mod form_part;
mod from_body;
#[cfg(feature = "compression")]
pub(crate) mod gzip;
#[cfg(not(feature = "compression"))]
#[path = "no_gzip.rs"]
pub(crate) mod gzip;
mod merged;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(feature = "multipart")]
mod one_by_one;
mod patient;
#[cfg(feature = "tls")]
pub(crate) mod pem;
mod preface;
pub(crate) mod problem;
mod route;
pub(crate) mod server;
pub(crate) mod shape;
mod streaming;
pub(crate) mod table;
mod text;
pub(crate) mod timeout;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod with;
pub(crate) mod within;

pub use axum_core::body::Body;
pub use axum_core::extract::FromRequestParts;
pub use axum_core::response::{IntoResponse, Response};
pub use bytes::Bytes;
pub use futures_util::Stream;
pub use hyper::http::request::Parts;
pub use hyper::{HeaderMap, Method, Request, StatusCode, Uri};

pub use crate::location::Location;
pub(crate) use access::respond;
pub use answer::{IntoAnswer, Raw};
pub use arguments::Arguments;
pub use body_stream::BodyStream;
pub use chunks::{ByteStream, Chunks};
pub use decl::{ParameterDecl, Place, RouteDecl, Verb};
pub(crate) use endpoint::Endpoint;
pub use events::{Event, EventStream, Events};
pub use failure::HttpError;
pub use form::Form;
#[cfg(feature = "multipart")]
pub use form_part::FormPart;
pub use from_body::FromBody;
pub(crate) use merged::Merged;
#[cfg(feature = "multipart")]
pub use multipart::{Field, Multipart};
pub use problem::{PROBLEM_JSON, Problem};
pub use route::{Answered, Route};
pub use shape::{Content, Medium, Shape};
pub use streaming::StreamItem;
pub use with::With;
