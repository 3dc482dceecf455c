//! How `#[service]` on the impl of a trait registers it: by a member that generated traits have. Where a trait has none, a
//! member of [`AnyTrait`] is found in its place, and what that gives is refused with an explanation.

use crate::AppBuilder;

/// What the member of a contract gives.
#[diagnostic::on_unimplemented(
    message = "#[service] stands on the impl of a trait that is no contract",
    label = "expected a trait under `#[service(name = \"..\", version = \"..\")]`, or one that comms-build makes of a `.proto` file",
    note = "to implement any other trait for a service, leave #[service] away from the impl",
    note = "a contract is a trait under `#[service(name = \"..\", version = \"..\")]` with a route on each method, such as `#[get(\"/..\")]`",
    note = "the trait of a gRPC service is made by `comms_build::configure().proto(\"..\")` in build.rs and taken in by `comms::proto!()`",
    note = "routes and handlers of the service's own stand in an impl without a trait: `#[service] impl Name {{ .. }}`"
)]
pub trait Registered {
    /// The application with what was registered.
    fn app(self) -> AppBuilder;
}

#[diagnostic::do_not_recommend]
impl Registered for AppBuilder {
    fn app(self) -> AppBuilder {
        self
    }
}

/// What the member of a gRPC trait gives.
#[diagnostic::on_unimplemented(
    message = "#[rpc] stands on a method that is called over HTTP",
    label = "the trait of this impl was not made of a `.proto` file",
    note = "say it on the route of the method, in the trait: `#[get(\"/..\", timeout = \"5s\")]`"
)]
pub trait RpcsRegistered {
    /// The application with what was registered.
    fn app(self) -> AppBuilder;
}

#[diagnostic::do_not_recommend]
impl RpcsRegistered for AppBuilder {
    fn app(self) -> AppBuilder {
        self
    }
}

/// Nothing was registered: the trait has no member for it.
#[derive(Debug)]
pub struct NoContract;

/// Nothing was registered: the trait has no member for options of gRPC methods.
#[derive(Debug)]
pub struct NoGrpc;

/// In scope where an impl is registered. What the trait that is implemented has comes first.
pub trait AnyTrait: Sized {
    /// In the place of the member of a contract.
    fn __comms_register(_: AppBuilder) -> NoContract {
        NoContract
    }

    /// In the place of the member of a gRPC trait.
    fn __comms_register_rpcs<R>(_: AppBuilder, _: R) -> NoGrpc {
        NoGrpc
    }
}

impl<T> AnyTrait for T {}

/// Spanned at the trait.
pub fn registered(outcome: impl Registered) -> AppBuilder {
    outcome.app()
}

/// Spanned at the attribute.
pub fn rpcs_registered(outcome: impl RpcsRegistered) -> AppBuilder {
    outcome.app()
}
