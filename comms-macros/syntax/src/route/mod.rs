//! `#[get]`, `#[post]`, `#[put]`, `#[patch]` and `#[delete]` on a method of a service: a route.

mod arguments;
mod check;
mod clash;
mod marks;
mod model;
mod options;
mod template;

pub use check::refuse_outside;
pub(crate) use check::{parse_contract_method, parse_method};
pub use clash::Clash;
pub(crate) use clash::check_distinct;
pub(crate) use marks::is_mark;
pub use model::{Idempotency, Parameter, Place, Route, Verb};
pub use template::Template;
