//! The traits that attributes implement beside a handler: what it takes, what it says of itself, how it is called.

use std::future::Future;

use super::HandlerDecl;
use crate::error::{BoxError, Fault};
use crate::inject::{InjectError, Scope, TypeList};
use crate::message::{Event, MessageType, Request};

/// What handling an event came to.
pub type Outcome = Result<(), Fault>;

/// A type that a handler may return as its error: anything that converts into a boxed error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the error of a handler or provider",
    label = "this is no error",
    note = "such an error is anything that converts into `Box<dyn Error + Send + Sync>`: implement `std::error::Error` for it (`thiserror` derives it)"
)]
pub trait HandlerError: Into<BoxError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> HandlerError for E {}

/// The service of a handler that is a free function.
#[derive(Clone, Copy, Debug, Default)]
pub struct Free;

/// The descriptor of one event handler. Implemented by `#[event_handler]` on a hidden type beside the
/// method or function.
pub trait EventHandler: Send + Sync + 'static {
    /// The service whose method it is, or [`Free`].
    type Service: Send + Sync + 'static;
    /// The event that it handles.
    type Event: Event;
    /// Its further arguments, injected once and cloned for each call.
    type Args: TypeList + Clone + Send + Sync + 'static;
    /// What its attribute says.
    const DECL: HandlerDecl;
    /// The events that it publishes beside what its service does.
    const PUBLISHES: &'static [MessageType] = &[];

    /// Resolves the further arguments.
    ///
    /// # Errors
    /// When a value is missing.
    fn inject(scope: &Scope) -> Result<Self::Args, InjectError>;

    /// Calls it once.
    fn call(service: &Self::Service, event: Self::Event, args: Self::Args) -> impl Future<Output = Outcome> + Send;
}

/// The descriptor of the handler of a command or query.
pub trait RequestHandler: Send + Sync + 'static {
    /// The service whose method it is, or [`Free`].
    type Service: Send + Sync + 'static;
    /// The command or query that it answers.
    type Request: Request;
    /// Its further arguments, injected once and cloned for each call.
    type Args: TypeList + Clone + Send + Sync + 'static;
    /// What its attribute says; `group` and `retry` have no meaning here.
    const DECL: HandlerDecl;
    /// The events that it publishes beside what its service does.
    const PUBLISHES: &'static [MessageType] = &[];

    /// Resolves the further arguments.
    ///
    /// # Errors
    /// When a value is missing.
    fn inject(scope: &Scope) -> Result<Self::Args, InjectError>;

    /// Calls it once.
    fn call(
        service: &Self::Service,
        request: Self::Request,
        args: Self::Args,
    ) -> impl Future<Output = Result<<Self::Request as Request>::Reply, <Self::Request as Request>::Error>> + Send;
}
