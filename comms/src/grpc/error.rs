//! The error of a call, on both sides: a code that travels, and the class that it means.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::InvalidMetadata;
use crate::client::{TransportError, TransportErrorKind};
use crate::error::{Advice, Class, Classified, Classify, Failure};

/// What the caller reads when only the log may say more.
pub(super) const INTERNAL: &str = "the service failed; its log says why";

/// The same where trying again can help.
pub(super) const RETRYABLE: &str = "the service can't do it now; try again later";

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
    /// What follows from it for whoever fails for it.
    advice: Advice,
}

impl GrpcError {
    fn of_status(status: Status) -> Self {
        let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let advice = Advice::new(class_of(status.code()));
        let advice = delay.into_iter().fold(advice, Advice::retry_after);
        // A status that arrived has no cause here: only few are copied.
        let is_caused = StdError::source(&status).is_some();
        let advice = if is_caused { advice.before_causes_of(status.clone()) } else { advice };
        Self { status, advice }
    }

    /// An error with the code and the text, both of which the caller gets to see.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::of_status(Status::new(code, message))
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
        status.set_source(Arc::new(super::fault::Stopping));
        Self::of_status(status)
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
        Self::of_status(Status::with_error_details(self.code(), self.message(), details))
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
        self.advice.retry_delay()
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

/// Its source is the [`Advice`] that follows from it: how a handler that failed for it is retried.
impl StdError for GrpcError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.advice)
    }
}

/// What a code means for whoever called.
///
/// `DeadlineExceeded`, `Cancelled`, `Internal` and `Unknown` leave open whether the work was done.
impl Classify for GrpcError {
    fn class(&self) -> Class {
        self.advice.class()
    }
}

fn class_of(code: Code) -> Class {
    match code {
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
            None => Self::of_status(status),
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
