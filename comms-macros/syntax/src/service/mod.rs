//! `#[service]` on a struct and on its impl.

mod check;
mod conditions;
mod impls;
mod model;
mod options;
mod strip;

pub use check::parse as parse_struct;
pub use impls::{deferred, parse as parse_impl};
pub use model::{After, Field, Ordered, ServiceImpl, ServiceStruct, Start, Subscription};
pub use strip::{Mark, marks, strip as strip_impl, strip_function};
