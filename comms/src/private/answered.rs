//! What a route method returned, as an answer. Chosen as in [`outcome`](super::outcome), in two steps.
//!
//! An expansion writes `__answered!(status, returned)`. First the error: one that implements `HttpError` speaks for
//! itself, one that implements `Classify` has a class, any other is searched. Then the value: one that implements
//! `IntoAnswer` is asked, any other is data.

use std::marker::PhantomData;

use serde::Serialize;

use super::stated_class;
use crate::error::Classify;
use crate::handler::HandlerError;
use crate::http::{Answered, HttpError, IntoAnswer, Problem, With, answer, failure};

/// Stands for the type of what a route returned.
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
    pub use super::{AnswerValue as _, AnswerWith as _, DataValue as _, DataWith as _, OtherValue as _};
    pub use super::{ClassifiedError as _, NoError as _, OtherError as _, PlainError as _, SpeakingError as _};
}

macro_rules! ways {
    ($($(#[$doc:meta])* $name:ident by $method:ident of $trait:ident for [$($generics:tt)*] $self:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            $(#[$doc])*
            pub trait $trait {
                /// The way to read it.
                fn $method(&self) -> $name {
                    $name
                }
            }

            impl<$($generics)*> $trait for $self {}
        )*
    };
}

ways! {
    /// The error speaks for itself.
    Speaking by error_way of SpeakingError for [T, E: HttpError] &&&&Returned<Result<T, E>>;
    /// The error has a class.
    Classed by error_way of ClassifiedError for [T, E: Classify + HandlerError] &&&Returned<Result<T, E>>;
    /// The error says nothing of itself.
    Plain by error_way of PlainError for [T, E: HandlerError] &&Returned<Result<T, E>>;
    /// What stands in the place of the error is none.
    NotAnError by error_way of OtherError for [T, E] &Returned<Result<T, E>>;
    /// No result at all.
    Infallible by error_way of NoError for [T] Returned<T>;
    /// A status and headers beside what says itself what it answers.
    AskedWith by value_way of AnswerWith for [T: IntoAnswer] &&&&Returned<With<T>>;
    /// A status and headers beside data.
    DataBeside by value_way of DataWith for [T: Serialize] &&&Returned<With<T>>;
    /// It says itself what it answers.
    Asked by value_way of AnswerValue for [T: IntoAnswer] &&Returned<T>;
    /// It is data.
    Data by value_way of DataValue for [T: Serialize] &Returned<T>;
    /// It is no answer.
    NotAnAnswer by value_way of OtherValue for [T] Returned<T>;
}

impl Speaking {
    /// With the problem that the error says.
    ///
    /// # Errors
    /// That problem.
    pub fn split<T, E: HttpError>(self, returned: Result<T, E>) -> Result<T, Problem> {
        returned.map_err(|error| failure::spoken(&error))
    }
}

impl Classed {
    /// With the problem of the error's class.
    ///
    /// # Errors
    /// That problem.
    pub fn split<T, E: Classify + HandlerError>(self, returned: Result<T, E>) -> Result<T, Problem> {
        returned.map_err(|error| failure::classified(error.class(), &error.into()))
    }
}

impl Plain {
    /// With the problem of the class that is found in the error's chain.
    ///
    /// # Errors
    /// That problem.
    pub fn split<T, E: HandlerError>(self, returned: Result<T, E>) -> Result<T, Problem> {
        returned.map_err(|error| {
            let error = error.into();
            failure::searched(&error, stated_class(error.as_ref()))
        })
    }
}

impl NotAnError {
    /// Never compiles: says why.
    ///
    /// # Errors
    /// Never.
    pub fn split<T, E: RouteError>(self, returned: Result<T, E>) -> Result<T, Problem> {
        returned.map_err(|_| Problem::new(500))
    }
}

impl Infallible {
    /// The value.
    ///
    /// # Errors
    /// Never.
    pub fn split<T>(self, returned: T) -> Result<T, Problem> {
        Ok(returned)
    }
}

impl AskedWith {
    /// What it says, with these.
    ///
    /// # Errors
    /// Its own.
    pub fn answer<T: IntoAnswer>(self, status: u16, value: With<T>) -> Answered {
        value.answer(status, |status, value| value.into_answer(status))
    }
}

impl DataBeside {
    /// As JSON, with these.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn answer<T: Serialize>(self, status: u16, value: With<T>) -> Answered {
        value.answer(status, |status, value| answer::json(status, &value))
    }
}

impl Asked {
    /// What it says.
    ///
    /// # Errors
    /// Its own.
    pub fn answer<T: IntoAnswer>(self, status: u16, value: T) -> Answered {
        value.into_answer(status)
    }
}

impl Data {
    /// As JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn answer<T: Serialize>(self, status: u16, value: T) -> Answered {
        answer::json(status, &value)
    }
}

impl NotAnAnswer {
    /// Never compiles: says why.
    ///
    /// # Errors
    /// Never.
    pub fn answer<T: IntoAnswer>(self, status: u16, value: T) -> Answered {
        value.into_answer(status)
    }
}

/// What a route may return as its error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the error of a route",
    label = "this is no error",
    note = "an error is anything that converts into `Box<dyn Error + Send + Sync>`: implement `std::error::Error` for it (`thiserror` derives it), and `comms::http::HttpError` to choose what the client is told"
)]
pub trait RouteError {}

#[diagnostic::do_not_recommend]
impl<E: HandlerError> RouteError for E {}

/// Turns what a route returned into what it answers.
#[doc(hidden)]
#[macro_export]
macro_rules! __answered {
    ($status:expr, $returned:expr) => {{
        use $crate::__private::answered::way::*;
        let returned = $returned;
        match (&&&&&$crate::__private::answered::Returned::of(&returned)).error_way().split(returned) {
            $crate::__private::std::result::Result::Ok(value) => {
                (&&&&&$crate::__private::answered::Returned::of(&value)).value_way().answer($status, value)
            }
            $crate::__private::std::result::Result::Err(problem) => $crate::__private::std::result::Result::Err(problem),
        }
    }};
}

#[cfg(test)]
mod tests {
    use crate::error::{BoxError, Class, Classified, Classify};
    use crate::http::{Answered, HttpError, Problem, Raw};

    #[derive(Debug, thiserror::Error)]
    #[error("typed")]
    struct Typed;
    impl Classify for Typed {
        fn class(&self) -> Class {
            Class::Permanent
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("speaks")]
    struct Speaks;
    impl Classify for Speaks {
        fn class(&self) -> Class {
            Class::Permanent
        }
    }
    impl HttpError for Speaks {
        fn problem(&self) -> Problem {
            Problem::new(409)
        }
    }

    fn status(answered: Answered) -> u16 {
        answered.map_or_else(|problem| problem.status(), |response| response.status().as_u16())
    }

    #[test]
    fn values_are_answered_by_what_they_are() {
        assert_eq!(status(crate::__answered!(200, ())), 204);
        assert_eq!(status(crate::__answered!(202, ())), 202);
        assert_eq!(status(crate::__answered!(201, vec![1, 2])), 201);
        assert_eq!(status(crate::__answered!(200, Ok::<(), BoxError>(()))), 204);
        assert_eq!(status(crate::__answered!(200, crate::http::With::new(vec![1]).status(203))), 203);
        assert_eq!(status(crate::__answered!(200, Ok::<_, BoxError>(crate::http::With::new(())))), 204);
        let mut teapot = axum_core::response::Response::default();
        *teapot.status_mut() = hyper::StatusCode::IM_A_TEAPOT;
        assert_eq!(status(crate::__answered!(200, Ok::<_, BoxError>(Raw(teapot)))), 418);
    }

    #[test]
    fn errors_are_answered_by_what_they_say_of_themselves() {
        assert_eq!(status(crate::__answered!(200, Err::<(), Speaks>(Speaks))), 409);
        assert_eq!(status(crate::__answered!(200, Err::<u8, Typed>(Typed))), 422);
        assert_eq!(status(crate::__answered!(200, Err::<u8, BoxError>(Classified::retryable("busy").into()))), 503);
        assert_eq!(status(crate::__answered!(200, Err::<u8, String>("plain".into()))), 500);
        assert_eq!(status(crate::__answered!(200, Err::<u8, Problem>(Problem::new(404)))), 404);
    }
}
