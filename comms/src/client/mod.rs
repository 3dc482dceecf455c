//! Calls to other services: what carries requests to them, and typed calls over HTTP.
//!
//! A [`Channel`] carries requests to one named service, over a pool of connections to its addresses or to a service in
//! this very process. Clients are typed faces of one: those that `#[client]` and `#[service]` on a trait make, and those of
//! gRPC services. [`AppBuilder::client`](crate::AppBuilder::client) makes one of `[clients.NAME]` and injects it.
//!
//! ```no_run
//! # async fn test() -> Result<(), comms::BoxError> {
//! use comms::client::{CallError, Channel, HttpCaller, Settings};
//! use comms::config::ClientConfig;
//! use comms::http::{Location, Problem, RouteDecl, Verb};
//!
//! const FIND: RouteDecl = RouteDecl::new(Verb::Get, "/charges/{id}", "find", Location::new(file!(), line!()));
//!
//! let config = ClientConfig::at("http://127.0.0.1:8080");
//! let payments = HttpCaller::new(Channel::of("payments", &config)?, Settings::of("payments", &config));
//! let mut call = payments.begin(&FIND);
//! call.path("id", &7);
//! let charge: serde_json::Value = call.send::<_, Problem>().await?;
//! # Ok(()) }
//! ```

mod answer;
mod call;
mod caller;
mod channel;
mod connector;
mod context;
mod decl;
mod error;
mod exchange;
mod failure;
mod fields;
pub(crate) mod from_answer;
mod home;
pub(crate) mod http2;
mod info;
mod instances;
mod into_body;
mod loan;
mod local;
mod path;
mod pool;
mod reply;
mod retry_after;
mod settings;
mod stream_error;
mod text;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod watched;

pub use call::Call;
pub use caller::HttpCaller;
pub use channel::{Channel, LocalService};
pub use decl::{Client, ClientDecl, ClientKind};
pub use error::{ChannelError, TransportError, TransportErrorKind};
pub use failure::{CallError, Target};
pub use from_answer::FromAnswer;
pub(crate) use home::Home;
pub use info::CallInfo;
pub use instances::{Instance, Instances, InvalidAddress};
pub use into_body::IntoBody;
pub(crate) use local::Answering;
pub use reply::{Reply, ReplyError};
pub use settings::Settings;
pub use stream_error::{StreamError, StreamErrorKind};
