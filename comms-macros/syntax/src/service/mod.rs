//! `#[service]` on a struct and on its impl.

mod check;
mod conditions;
mod impls;
mod model;
mod options;

pub use check::parse as parse_struct;
pub use impls::{Mark, deferred, marks, parse as parse_impl, strip as strip_impl};
pub use model::{After, Field, Ordered, ServiceImpl, ServiceStruct, Start, Subscription};
