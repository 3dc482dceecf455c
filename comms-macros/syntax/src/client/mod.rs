//! `#[client]` on a unit struct: a typed client of a contract or of a gRPC service.

mod check;
mod model;
mod name;
mod options;

pub use check::parse;
pub use model::{Calls, Client};
pub(crate) use name::{address, default_name};
