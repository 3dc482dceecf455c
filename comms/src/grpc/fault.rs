//! The errors of handlers: what their callers are told of them, and what the log says.

use std::any::Any;
use std::error::Error as StdError;
use std::sync::Arc;

use tonic::{Code, Status};

use super::GrpcError;
use super::error::INTERNAL;
use crate::error::{BoxError, Class, Classified, Classify};

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
pub(super) struct Stopping;

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

/// The class is that of a [`GrpcError`], a [`Failure`](crate::Failure) or a [`Classified`] in the chain of the error; without one it is unknown, and the
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
    use std::time::Duration;

    use super::*;
    use crate::error::{Failure, Fault, chain_text};
    use crate::grpc::ErrorDetails;
    use crate::grpc::error::RETRYABLE;

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

    #[test]
    fn a_message_handler_that_failed_for_it_does_as_it_says() {
        let below = GrpcError::new(Code::ResourceExhausted, "busy").retry_after(Duration::from_secs(7));
        let fault = Fault::from_boxed(Box::new(Wrapped(GrpcError::from(below.into_answer()))));
        assert_eq!((fault.class, fault.retry_delay()), (Class::Retryable, Some(Duration::from_secs(7))));
        assert_eq!(chain_text(fault.error.as_ref()), ["the stock did not answer", "resource exhausted: busy"]);
        for (code, class) in [(Code::NotFound, Class::Permanent), (Code::Internal, Class::Unknown)] {
            let fault = Fault::from_boxed(Box::new(Wrapped(GrpcError::new(code, "no"))));
            assert_eq!((fault.class, fault.retry_delay()), (class, None));
        }
    }

    #[test]
    fn the_causes_of_a_status_are_still_there() {
        let mut status = Status::not_found("none");
        status.set_source(Arc::new(Caused("the shelf is gone".into())));
        let fault = Fault::from_boxed(Box::new(Wrapped(GrpcError::from(status))));
        assert_eq!(fault.class, Class::Permanent);
        let texts = ["the stock did not answer", "not found: none", "the order was refused", "the shelf is gone"];
        assert_eq!(chain_text(fault.error.as_ref()), texts);
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
