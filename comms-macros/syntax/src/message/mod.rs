//! `#[event]`, `#[command]` and `#[query]` on a struct: a message type.

mod check;
mod model;
mod options;

pub use check::parse;
pub use model::{Codec, Derives, Kind, Message, Reply};
