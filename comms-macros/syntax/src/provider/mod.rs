//! `#[provider]` on a free function.

mod check;
mod model;

pub use check::parse;
pub use model::Provider;
