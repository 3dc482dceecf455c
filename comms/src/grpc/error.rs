//! The error of a call, on both sides: a code that travels, and the class that it means.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

use tonic::{Code, Status};

use crate::client::{TransportError, TransportErrorKind};
use crate::error::{Class, Classified, Classify, Failure};

/// What the caller reads when only the log may say more.
const INTERNAL: &str = "the service failed; its log says why";

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

    /// The error that a handler's error of the class is to its caller: `FailedPrecondition` when permanent,
    /// `Unavailable` when retryable, and `Internal` without the text when unknown.
    pub fn of_class(class: Class, message: impl Into<String>) -> Self {
        match class {
            Class::Permanent => Self::new(Code::FailedPrecondition, message),
            Class::Retryable => Self::new(Code::Unavailable, message),
            Class::Unknown => Self::new(Code::Internal, INTERNAL),
        }
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
        TransportErrorKind::Unreachable => Code::Unavailable,
        TransportErrorKind::Deadline => Code::DeadlineExceeded,
        TransportErrorKind::Broken => Code::Unknown,
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

fn of_fault(class: Class, error: &(dyn StdError + 'static)) -> GrpcError {
    let text = crate::error::chain_text(error).join(": ");
    if class == Class::Unknown {
        tracing::error!(target: "comms::grpc", error = %text, "a gRPC handler failed; its caller is told nothing of it");
    }
    GrpcError::of_class(class, text)
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

    #[test]
    fn metadata_of_another_call_is_not_answered() {
        let mut status = Status::unavailable("busy");
        status.metadata_mut().insert("authorization", tonic::metadata::MetadataValue::from_static("secret"));
        let answer = GrpcError::from(status).into_answer();
        assert!(answer.metadata().is_empty() && answer.message() == "busy");
    }
}
