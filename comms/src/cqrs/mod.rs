//! Commands and queries: typed buses to the one handler of each message type.
//!
//! A handler in the same process is called directly; one elsewhere over the broker of the message type,
//! with a reply. The caller can't tell, but for the time it takes.

mod bus;
mod endpoint;
mod error;
mod local;
mod remote;
mod reply;

pub(crate) use bus::BusCore;
pub use bus::{CommandBus, QueryBus};
pub(crate) use endpoint::{BoundRequestHandler, Endpoint};
pub use error::CallError;
pub(crate) use local::LocalHandlers;
