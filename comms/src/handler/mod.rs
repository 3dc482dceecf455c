//! Handlers: what they say of themselves, and the inbound pipeline that calls them.

mod contract;
mod decl;

pub use contract::{EventHandler, Free, HandlerError, Outcome, RequestHandler};
pub use decl::{AfterDeadLetter, DEFAULT_SHARDS, HandlerDecl, Location, RetryDecl, ServiceDecl, SubscriptionDecl};
