//! What a handler returned, as the pipeline reads it: an error type that implements `Classify` speaks for
//! itself, every other one is searched for a `Classified` in its chain. Chosen as in [`inject`](super::inject).
//!
//! An expansion writes `__outcome!(returned)`. The method is looked for on `&Returned` ([`NothingReturned`],
//! [`SpeakingReturned`]), then on `&&Returned` ([`SilentReturned`]), then on `Returned` ([`OtherReturned`]).

use std::marker::PhantomData;

use crate::error::{BoxError, Classify, Fault};
use crate::handler::{HandlerError, Outcome};
use crate::message::Request;

/// What an event handler may return. Asserted at its return type; [`Returned`] takes anything, so that one mistake is
/// one error.
#[diagnostic::on_unimplemented(
    message = "an event handler can't return `{Self}`",
    label = "expected nothing, or `Result<(), Error>`",
    note = "what a handler returns goes nowhere: publish an event, or make it the handler of a #[command] or #[query]"
)]
pub trait HandlerOutput {}

impl HandlerOutput for () {}

impl<E: HandlerError> HandlerOutput for Result<(), E> {}

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

/// Stands for the type of what a handler returned.
#[derive(Debug)]
pub struct Returned<R>(PhantomData<fn() -> R>);

impl<R> Returned<R> {
    /// For the type of this value.
    pub const fn of(_: &R) -> Self {
        Self(PhantomData)
    }
}

/// The ways to read what was returned, without their names.
pub mod way {
    pub use super::{NothingReturned as _, OtherReturned as _, SilentReturned as _, SpeakingReturned as _};
}

/// Nothing was returned.
#[derive(Debug)]
pub struct Nothing;

/// A result whose error classifies itself.
#[derive(Debug)]
pub struct Speaking;

/// A result whose error says nothing of itself.
#[derive(Debug)]
pub struct Silent;

/// What no handler may return.
#[derive(Debug)]
pub struct Other;

/// First choice, beside [`SpeakingReturned`].
pub trait NothingReturned {
    /// The way to read it.
    fn way(&self) -> Nothing {
        Nothing
    }
}

impl NothingReturned for &Returned<()> {}

/// First choice.
pub trait SpeakingReturned {
    /// The way to read it.
    fn way(&self) -> Speaking {
        Speaking
    }
}

impl<E: Classify + HandlerError> SpeakingReturned for &Returned<Result<(), E>> {}

/// Second choice.
pub trait SilentReturned {
    /// The way to read it.
    fn way(&self) -> Silent {
        Silent
    }
}

impl<E: HandlerError> SilentReturned for &&Returned<Result<(), E>> {}

/// Last choice.
pub trait OtherReturned {
    /// The way to read it.
    fn way(&self) -> Other {
        Other
    }
}

impl<R> OtherReturned for Returned<R> {}

impl Nothing {
    /// Success.
    ///
    /// # Errors
    /// Never.
    pub fn outcome(self, _: ()) -> Outcome {
        Ok(())
    }
}

impl Speaking {
    /// The error with its own class.
    ///
    /// # Errors
    /// The handler's own.
    pub fn outcome<E: Classify + HandlerError>(self, returned: Result<(), E>) -> Outcome {
        returned.map_err(|error| Fault::new(error.class(), error))
    }
}

impl Silent {
    /// The error with the class found in its chain.
    ///
    /// # Errors
    /// The handler's own.
    pub fn outcome<E: HandlerError>(self, returned: Result<(), E>) -> Outcome {
        returned.map_err(|error| Fault::from_boxed(error.into()))
    }
}

impl Other {
    /// Never runs: the assertion of [`HandlerOutput`] refuses the type.
    ///
    /// # Errors
    /// Never.
    pub fn outcome<R>(self, _: R) -> Outcome {
        Ok(())
    }
}

/// Turns what a handler returned into an [`Outcome`].
#[doc(hidden)]
#[macro_export]
macro_rules! __outcome {
    ($returned:expr) => {{
        use $crate::__private::outcome::way::*;
        let returned = $returned;
        (&&$crate::__private::outcome::Returned::of(&returned)).way().outcome(returned)
    }};
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
