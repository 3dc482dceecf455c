//! `#[service]` on a struct and on its impl.

mod check;
mod conditions;
mod implementation;
mod impls;
mod model;
mod options;
mod rpc;
mod strip;

pub use check::parse as parse_struct;
pub use implementation::{is_of_trait, parse as parse_implementation};
pub use impls::{deferred, parse as parse_impl};
pub use model::{After, Field, Implementation, Ordered, Rpc, ServiceImpl, ServiceStruct, Start, Subscription};
pub(crate) use rpc::OUTSIDE as ONLY_GRPC;
pub use rpc::refuse_outside as refuse_rpc_outside;
pub(crate) use strip::collect_marks;
pub use strip::{Mark, marks, strip as strip_impl, strip_function};
