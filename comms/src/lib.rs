//! Annotate structs and functions, build, run: microservices whose wiring the compiler checks.

// Expansions name the crate `::comms`; inside it that is this.
#[allow(unused_extern_crates, reason = "used by expansions within this crate")]
extern crate self as comms;

mod app;
mod context;
mod cqrs;
mod error;
pub mod handler;
pub mod inject;
mod macros;
pub mod message;
mod publisher;

pub mod broker;

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;

pub use app::{App, AppBuilder, Handles, Provides, ProvidesAll, Service, StartError, Stopped, Tasks, Wiring};
pub use context::Context;
pub use cqrs::{CallError, CommandBus, QueryBus};
pub use error::{BoxError, Class, Classified, Classify, Failure, Fault};
pub use message::{Command, Event, Message, Query, Request};
pub use publisher::{Brokers, PublishError, Publisher, Source};

#[cfg(feature = "testing")]
pub mod testing;
