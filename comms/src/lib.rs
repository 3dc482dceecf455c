//! Annotate structs and functions, build, run: microservices whose wiring the compiler checks.

// Expansions name the crate `::comms`; inside it that is this.
#[allow(unused_extern_crates, reason = "used by expansions within this crate")]
extern crate self as comms;

mod app;
#[cfg(feature = "http")]
pub mod client;
pub mod config;
mod context;
#[cfg(feature = "http")]
pub mod contract;
mod cqrs;
mod error;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod handler;
#[cfg(feature = "http")]
pub mod http;
pub mod inject;
pub mod limit;
mod location;
mod macros;
pub mod message;
pub mod metrics;
mod publisher;
mod server;
pub mod telemetry;
mod text;

pub mod broker;
#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;

pub use app::health;
pub use app::{App, AppBuilder, Handles, Provides, ProvidesAll, Service, StartError, Stopped, Tasks, Wiring};
pub use broker::AtMostOnce;
// Attributes are documented here, where their examples run.
#[cfg(feature = "http")]
#[doc = include_str!("attributes/client.md")]
pub use comms_macros::client;
#[doc = include_str!("attributes/command.md")]
pub use comms_macros::command;
#[cfg(feature = "http")]
#[doc = include_str!("attributes/delete.md")]
#[doc = include_str!("attributes/route.md")]
pub use comms_macros::delete;
#[doc = include_str!("attributes/event.md")]
pub use comms_macros::event;
#[doc = include_str!("attributes/event_handler.md")]
pub use comms_macros::event_handler;
#[cfg(feature = "http")]
#[doc = include_str!("attributes/get.md")]
#[doc = include_str!("attributes/route.md")]
pub use comms_macros::get;
#[doc = include_str!("attributes/handler.md")]
pub use comms_macros::handler;
#[cfg(feature = "http")]
#[doc = include_str!("attributes/patch.md")]
#[doc = include_str!("attributes/route.md")]
pub use comms_macros::patch;
#[cfg(feature = "http")]
#[doc = include_str!("attributes/post.md")]
#[doc = include_str!("attributes/route.md")]
pub use comms_macros::post;
#[doc = include_str!("attributes/provider.md")]
pub use comms_macros::provider;
#[cfg(feature = "http")]
#[doc = include_str!("attributes/put.md")]
#[doc = include_str!("attributes/route.md")]
pub use comms_macros::put;
#[doc = include_str!("attributes/query.md")]
pub use comms_macros::query;
#[doc = include_str!("attributes/rpc.md")]
pub use comms_macros::rpc;
#[doc = include_str!("attributes/service.md")]
pub use comms_macros::service;
// Of later versions; each says that it is not available yet.
#[doc(hidden)]
pub use comms_macros::{aggregate, authorize, on, projection, public, saga, step, upcast};

pub use config::{Secret, Settings};
pub use context::Context;
pub use cqrs::{CallError, CommandBus, QueryBus};
pub use error::{Advice, BoxError, Class, Classified, Classify, Failure, Fault};
pub use handler::{Batch, Received};
pub use message::{Command, Event, Message, Query, Request};
pub use publisher::{Brokers, PublishError, Publisher, Source};
