//! The error of a call, on both sides: a code that travels, and the class that it means.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::InvalidMetadata;
use crate::client::{TransportError, TransportErrorKind};
use crate::error::{BoxError, Class, Classified, Classify, Failure};

/// What the caller reads when only the log may say more.
const INTERNAL: &str = "the service failed; its log says why";

/// The same where trying again can help.
const RETRYABLE: &str = "the service can't do it now; try again later";

/// A call that failed: a code, and a text for a person.
///
/// A client returns it; a handler may return it to say which code it means.
///
/// ```
/// use comms::grpc::{Code, GrpcError};
/// let error = GrpcError::new(Code::AlreadyExists, "the article `x` is there already");
/// assert_eq!(error.to_string(), "already exists: the article `x` is there already");
/// ```
#[derive(Clone, Debug)]
pub struct GrpcError {
    status: Status,
}

impl GrpcError {
    /// An error with the code and the text, both of which the caller gets to see.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { status: Status::new(code, message) }
    }

    /// The error that a handler's error of the class is to its caller: `FailedPrecondition` with the text when permanent,
    /// `Unavailable` without it when retryable, and `Internal` without it when unknown.
    pub fn of_class(class: Class, message: impl Into<String>) -> Self {
        match class {
            Class::Permanent => Self::new(Code::FailedPrecondition, message),
            Class::Retryable => Self::new(Code::Unavailable, RETRYABLE),
            Class::Unknown => Self::new(Code::Internal, INTERNAL),
        }
    }

    /// What streams end with when their process stops.
    pub(super) fn of_stop() -> Self {
        let mut status = Status::unavailable("the service is stopping");
        status.set_source(Arc::new(Stopping));
        Self { status }
    }

    /// The code that travels.
    #[must_use]
    pub fn code(&self) -> Code {
        self.status.code()
    }

    /// The text that travels, without the code.
    #[must_use]
    pub fn message(&self) -> &str {
        self.status.message()
    }

    /// The same with details, which travel: fields that are wrong, when to try again, what a program may read of the reason.
    ///
    /// ```
    /// use std::time::Duration;
    /// use comms::grpc::{Code, ErrorDetails, GrpcError};
    ///
    /// let wrong = ErrorDetails::with_bad_request_violation("quantity", "order at least one");
    /// let error = GrpcError::new(Code::InvalidArgument, "the order is wrong").with_details(wrong);
    /// assert_eq!(error.details().bad_request().unwrap().field_violations[0].field, "quantity");
    /// ```
    #[must_use]
    pub fn with_details(self, details: ErrorDetails) -> Self {
        Self { status: Status::with_error_details(self.code(), self.message(), details) }
    }

    /// The same with the time after which trying again makes sense.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        let mut details = self.details();
        details.set_retry_info(Some(delay));
        self.with_details(details)
    }

    /// The details that came along; those of kinds that are not known, or that can't be read, are left out.
    #[must_use]
    pub fn details(&self) -> ErrorDetails {
        self.status.get_error_details()
    }

    /// How long the service wants to be left alone before the next try, if it says so.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.status.get_details_retry_info()?.retry_delay
    }

    /// The status as it arrived, with its metadata and details.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The same to be answered: what a status brought along from another call stays here.
    pub(super) fn into_answer(self) -> Status {
        let details = self.status.details().to_vec();
        Status::with_details(self.status.code(), self.status.message(), details.into())
    }
}

/// A status that says of a request stream that its caller is to blame: whatever the handler makes of it, its caller is told this.
pub(super) fn refused(code: Code, message: String) -> Status {
    let mut status = Status::new(code, message.clone());
    status.set_source(Arc::new(Refused { code, message }));
    status
}

/// Why a stream of requests ended that its caller broke.
#[derive(Debug, thiserror::Error)]
#[error("its caller is told so")]
struct Refused {
    code: Code,
    message: String,
}

/// Why a stream ended that ended with its process, as the process itself knows: it does not travel.
#[derive(Debug, thiserror::Error)]
#[error("this process was told to stop")]
struct Stopping;

impl fmt::Display for GrpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(self.code()))?;
        if self.message().is_empty() { Ok(()) } else { write!(f, ": {}", self.message()) }
    }
}

impl StdError for GrpcError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.status.source()
    }
}

/// What a code means for whoever called.
///
/// `DeadlineExceeded`, `Cancelled`, `Internal` and `Unknown` leave open whether the work was done.
impl Classify for GrpcError {
    fn class(&self) -> Class {
        match self.code() {
            Code::Unavailable | Code::ResourceExhausted | Code::Aborted => Class::Retryable,
            Code::Ok | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded | Code::Internal => Class::Unknown,
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => Class::Permanent,
        }
    }
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid argument",
        Code::DeadlineExceeded => "deadline exceeded",
        Code::NotFound => "not found",
        Code::AlreadyExists => "already exists",
        Code::PermissionDenied => "permission denied",
        Code::ResourceExhausted => "resource exhausted",
        Code::FailedPrecondition => "failed precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out of range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

impl From<Status> for GrpcError {
    fn from(status: Status) -> Self {
        let source = StdError::source(&status);
        let code = source.and_then(|source| crate::error::chain(source).find_map(|error| error.downcast_ref()).map(code_of));
        match code {
            Some(code) => Self::new(code, status.message()),
            None => Self { status },
        }
    }
}

/// tonic does not know our channels, and takes every error of theirs for an unknown one.
fn code_of(error: &TransportError) -> Code {
    match error.kind() {
        TransportErrorKind::Unreachable | TransportErrorKind::Withheld => Code::Unavailable,
        TransportErrorKind::Deadline => Code::DeadlineExceeded,
        TransportErrorKind::Broken => Code::Unknown,
    }
}

/// `Internal`: a name or a value that the program itself made up is no mistake of its caller.
impl From<InvalidMetadata> for GrpcError {
    fn from(error: InvalidMetadata) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}

impl From<GrpcError> for Failure {
    fn from(error: GrpcError) -> Self {
        Self { class: error.class(), message: error.to_string() }
    }
}

impl From<GrpcError> for Classified {
    fn from(error: GrpcError) -> Self {
        Self::new(error.class(), error)
    }
}

/// The error of a service: a [`GrpcError`], which says its code itself, or any error that says its class with
/// [`Classify`](crate::Classify).
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the error of a gRPC service",
    label = "this error does not say what it means for the caller",
    note = "implement `std::error::Error` and `comms::Classify` for `{Self}`, or take `comms::grpc::GrpcError`, which has a code, or `comms::Failure`"
)]
pub trait ServiceError: Send + 'static {
    /// What the caller gets. What it does not get to see is logged.
    fn into_grpc(self) -> GrpcError;
}

#[diagnostic::do_not_recommend]
impl<E: Classify + StdError + Send + Sync + 'static> ServiceError for E {
    fn into_grpc(self) -> GrpcError {
        let mut error = Some(self);
        if let Some(own) = (&mut error as &mut dyn Any).downcast_mut::<Option<GrpcError>>().and_then(Option::take) {
            return own;
        }
        error.map_or_else(|| GrpcError::new(Code::Internal, INTERNAL), |error| of_fault(error.class(), &error))
    }
}

/// The class is that of a [`GrpcError`], a [`Failure`] or a [`Classified`] in the chain of the error; without one it is unknown, and the
/// caller is told nothing.
impl ServiceError for BoxError {
    fn into_grpc(self) -> GrpcError {
        let error = match self.downcast::<GrpcError>() {
            Ok(own) => return *own,
            Err(error) => error,
        };
        of_fault(stated_class(error.as_ref()).unwrap_or(Class::Unknown), error.as_ref())
    }
}

/// The class that an error, or one in its chain, states.
pub(crate) fn stated_class(error: &(dyn StdError + 'static)) -> Option<Class> {
    crate::error::stated_class(error, |error| error.downcast_ref::<GrpcError>().map(Classify::class))
}

impl ServiceError for Classified {
    fn into_grpc(self) -> GrpcError {
        of_fault(self.class(), &self)
    }
}

/// The caller is told no more than the error's own text, and that only of what trying again can't mend.
fn of_fault(class: Class, error: &(dyn StdError + 'static)) -> GrpcError {
    let (own, causes) = (error.to_string(), crate::error::chain_text(error).join(": "));
    if let Some(Refused { code, message }) = crate::error::chain(error).find_map(|error| error.downcast_ref()) {
        tracing::info!(target: "comms::grpc", error = %causes, "a gRPC handler ended with the stream of its caller");
        return GrpcError::new(*code, message.as_str());
    }
    if crate::error::chain(error).any(<dyn StdError>::is::<Stopping>) {
        tracing::info!(target: "comms::grpc", error = %causes, "a gRPC handler ended with its stream, since the service is stopping");
    } else if class != Class::Permanent {
        tracing::error!(target: "comms::grpc", error = %causes, "a gRPC handler failed; its caller is told nothing of it");
    } else if causes != own {
        tracing::info!(target: "comms::grpc", error = %causes, "a gRPC handler refused a call; its caller is not told why");
    }
    let delay = crate::error::chain(error).find_map(|error| error.downcast_ref::<GrpcError>()?.retry_delay());
    let error = GrpcError::of_class(class, own);
    match delay.filter(|_| class == Class::Retryable) {
        Some(delay) => error.retry_after(delay),
        None => error,
    }
}

/// What the caller is told of a panic.
pub(super) fn panicked() -> GrpcError {
    GrpcError::new(Code::Internal, INTERNAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_survives_the_wire() {
        for class in [Class::Permanent, Class::Retryable, Class::Unknown] {
            assert_eq!(GrpcError::of_class(class, "why").class(), class);
        }
    }

    #[test]
    fn a_handler_that_says_its_code_is_taken_at_its_word() {
        let error = GrpcError::new(Code::NotFound, "there is none").into_grpc();
        assert_eq!((error.code(), error.message()), (Code::NotFound, "there is none"));
    }

    #[test]
    fn the_text_of_an_unknown_error_stays_here() {
        let error = Failure { class: Class::Unknown, message: "password=hunter2".into() }.into_grpc();
        assert_eq!((error.code(), error.message()), (Code::Internal, INTERNAL));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the order was refused")]
    struct Caused(#[source] BoxError);

    #[test]
    fn causes_stay_here_whatever_the_class() {
        let caused = || Caused("password=hunter2".into());
        let told = |error: Classified| {
            let error = error.into_grpc();
            (error.code(), error.message().to_owned())
        };
        assert_eq!(told(Classified::permanent(caused())), (Code::FailedPrecondition, "the order was refused".to_owned()));
        assert_eq!(told(Classified::retryable(caused())), (Code::Unavailable, RETRYABLE.to_owned()));
        assert_eq!(told(Classified::unknown(caused())), (Code::Internal, INTERNAL.to_owned()));
    }

    #[test]
    fn metadata_of_another_call_is_not_answered() {
        let mut status = Status::unavailable("busy");
        status.metadata_mut().insert("authorization", tonic::metadata::MetadataValue::from_static("secret"));
        let answer = GrpcError::from(status).into_answer();
        assert!(answer.metadata().is_empty() && answer.message() == "busy");
    }

    #[test]
    fn a_boxed_error_is_judged_by_what_is_in_it() {
        let told = |error: BoxError| {
            let error = error.into_grpc();
            (error.code(), error.message().to_owned())
        };
        assert_eq!(told("password=hunter2".into()), (Code::Internal, INTERNAL.to_owned()));
        assert_eq!(told(Classified::permanent("no such customer").into()), (Code::FailedPrecondition, "no such customer".to_owned()));
        assert_eq!(told(GrpcError::new(Code::NotFound, "none").into()), (Code::NotFound, "none".to_owned()));
        let failure = Failure { class: Class::Retryable, message: "busy".into() };
        assert_eq!(told(failure.into()), (Code::Unavailable, RETRYABLE.to_owned()));
        assert_eq!(Classified::retryable("busy").into_grpc().code(), Code::Unavailable);
    }

    #[test]
    fn the_delay_of_a_call_further_down_is_passed_on() {
        let below = GrpcError::new(Code::Unavailable, "busy").retry_after(Duration::from_secs(7));
        let error = Classified::new(Class::Retryable, Box::new(Wrapped(below.clone()))).into_grpc();
        assert_eq!((error.code(), error.retry_delay()), (Code::Unavailable, Some(Duration::from_secs(7))));
        assert_eq!(Classified::permanent(Box::new(Wrapped(below))).into_grpc().retry_delay(), None);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the stock did not answer")]
    struct Wrapped(#[source] GrpcError);

    #[test]
    fn details_survive_the_answer() {
        let details = ErrorDetails::with_error_info("OUT_OF_STOCK", "shop.example", [("sku".to_owned(), "chair".to_owned())]);
        let error = GrpcError::new(Code::FailedPrecondition, "none left").with_details(details).retry_after(Duration::from_millis(250));
        let answer = GrpcError::from(error.into_answer());
        assert_eq!(answer.details().error_info().unwrap().reason, "OUT_OF_STOCK");
        assert_eq!(answer.retry_delay(), Some(Duration::from_millis(250)));
        assert_eq!((answer.code(), answer.message()), (Code::FailedPrecondition, "none left"));
    }
}
