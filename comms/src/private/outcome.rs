//! What a handler returned, as the pipeline reads it: an error type that implements `Classify` speaks for
//! itself, every other one is searched for a `Classified` in its chain. Chosen as in [`inject`](super::inject).
//!
//! An expansion writes `(&error).kind().fault(error)` with [`Speaking`] and [`Silent`] in scope.

use crate::error::{BoxError, Classify, Fault};
use crate::handler::HandlerError;
use crate::message::Request;

/// What an event handler may return.
#[diagnostic::on_unimplemented(
    message = "an event handler can't return `{Self}`",
    label = "expected nothing, or `Result<(), Error>`",
    note = "what a handler returns goes nowhere: publish an event, or make it the handler of a #[command] or #[query]"
)]
pub trait HandlerOutput {
    /// Its error.
    type Error: HandlerError;

    /// As a result.
    ///
    /// # Errors
    /// The handler's own.
    fn into_result(self) -> Result<(), Self::Error>;
}

impl HandlerOutput for () {
    type Error = std::convert::Infallible;

    fn into_result(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl<E: HandlerError> HandlerOutput for Result<(), E> {
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// What the handler of the command or query `R` may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the answer to `{R}`",
    label = "expected `Result<Reply, Error>` with the types that the message declares",
    note = "the attribute on `{R}` declares them: `reply = ..` is `()` and `error = ..` is `comms::Failure` unless it says otherwise"
)]
pub trait Answer<R: Request> {
    /// As the declared result.
    ///
    /// # Errors
    /// The handler's own.
    fn into_answer(self) -> Result<R::Reply, R::Error>;
}

impl<R: Request> Answer<R> for Result<<R as Request>::Reply, <R as Request>::Error> {
    fn into_answer(self) -> Self {
        self
    }
}

/// Every command and query.
pub trait Answers: Request {
    /// What its handler returned, as the declared result.
    ///
    /// # Errors
    /// The handler's own.
    fn answer(answer: impl Answer<Self>) -> Result<Self::Reply, Self::Error> {
        answer.into_answer()
    }
}

impl<R: Request> Answers for R {}

/// What a provider that can fail came to.
///
/// # Errors
/// The provider's own.
pub fn provided<T, E: HandlerError>(result: Result<T, E>) -> Result<T, BoxError> {
    result.map_err(Into::into)
}

/// The error classifies itself.
#[derive(Debug)]
pub struct SpeakingTag;

/// The error says nothing of itself.
#[derive(Debug)]
pub struct SilentTag;

/// First choice.
pub trait Speaking {
    /// The way to read the error.
    fn kind(&self) -> SpeakingTag {
        SpeakingTag
    }
}

impl<E: Classify> Speaking for E {}

/// Second choice.
pub trait Silent {
    /// The way to read the error.
    fn kind(&self) -> SilentTag {
        SilentTag
    }
}

impl<E> Silent for &E {}

impl SpeakingTag {
    /// The error with its own class.
    pub fn fault<E: Classify + Into<BoxError>>(self, error: E) -> Fault {
        Fault::new(error.class(), error)
    }
}

impl SilentTag {
    /// The error with the class found in its chain.
    pub fn fault<E: HandlerError>(self, error: E) -> Fault {
        Fault::from_boxed(error.into())
    }
}

/// Turns the result of a handler into an [`Outcome`](crate::handler::Outcome).
#[doc(hidden)]
#[macro_export]
macro_rules! __outcome {
    ($result:expr) => {
        match $crate::__private::outcome::HandlerOutput::into_result($result) {
            ::core::result::Result::Ok(()) => ::core::result::Result::Ok(()),
            ::core::result::Result::Err(error) => {
                #[allow(unused_imports)]
                use $crate::__private::outcome::{Silent as _, Speaking as _};
                ::core::result::Result::Err((&error).kind().fault(error))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::error::{Class, Classified, Classify};

    #[derive(Debug, thiserror::Error)]
    #[error("typed")]
    struct Typed;
    impl Classify for Typed {
        fn class(&self) -> Class {
            Class::Permanent
        }
    }

    #[test]
    fn a_type_that_classifies_itself_is_asked() {
        let outcome: Result<(), _> = crate::__outcome!(Err::<(), Typed>(Typed));
        assert_eq!(outcome.unwrap_err().class, Class::Permanent);
    }

    #[test]
    fn every_other_error_is_searched() {
        let outcome: Result<(), _> = crate::__outcome!(Err::<(), crate::BoxError>(Classified::unknown("?").into()));
        assert_eq!(outcome.unwrap_err().class, Class::Unknown);
        let outcome: Result<(), _> = crate::__outcome!(Err::<(), String>("plain".into()));
        assert_eq!(outcome.unwrap_err().class, Class::Retryable);
    }
}
