//! Handlers: what they say of themselves, and the inbound pipeline that calls them.

pub(crate) mod attempt;
pub(crate) mod batch;
mod contract;
mod decl;
mod dedup;
pub(crate) mod erased;
mod gate;
mod gather;
mod intake;
mod lanes;
mod layer;
mod layers;
mod observe;
mod pace;
mod parked;
pub(crate) mod plan;
mod policy;
mod refuse;
pub(crate) mod runner;
mod settle;
mod sleepers;
mod worker;

pub use crate::location::Location;
pub use batch::{Batch, BatchDecl, BatchHandler, Received};
pub use contract::{EventHandler, Free, HandlerError, Outcome, RequestHandler};
pub use decl::{AfterDeadLetter, DEFAULT_SHARDS, HandlerDecl, RetryDecl, ServiceDecl, SubscriptionDecl};
pub use layer::{Incoming, Layer, NamedLayer, Next};
pub use layers::PIPELINE;
pub use observe::{Counters, Happening, Observed, Observer};
