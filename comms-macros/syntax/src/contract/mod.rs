//! `#[service]` on a trait: a contract; `#[client(url = "..")]` on a trait: the same of a foreign API.

mod check;
mod headers;
mod item;
mod methods;
mod model;
mod options;
mod rewrite;

pub use check::{parse, parse_foreign};
pub use model::{Contract, Foreign, Method};
pub use rewrite::{marks, rewrite};
