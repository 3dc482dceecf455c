//! `#[event_handler]`, `#[command]` and `#[query]` on a method or free function: a handler.

mod check;
mod model;
mod options;
mod signature;

pub use check::parse as parse_fn;
pub(crate) use check::parse_method;
pub(crate) use model::type_text;
pub use model::{Argument, Batching, Handler, Kind, Retry};
pub use signature::published;
pub(crate) use signature::{check_async, check_by_value, check_plain, check_receiver, check_unconditional, output, parameters};
