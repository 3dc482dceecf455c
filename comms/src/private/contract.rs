//! What a route of a contract answers: as any route does, and its error goes along as data, so that the client of the
//! contract has the same error again.

use serde::Serialize;

use super::answered::Returned;
use crate::error::{Class, Classify};
use crate::http::Problem;

/// The ways to keep an error, without their names.
pub mod way {
    pub use super::{ClassOfError as _, ErrorAsData as _, NoClass as _, NoErrorAsData as _};
}

/// An error as data, and the class that it says it has.
#[derive(Debug, Default)]
pub struct Kept {
    error: Option<serde_json::Value>,
    class: Option<Class>,
}

impl Kept {
    /// What the two ways found.
    #[must_use]
    pub fn of(error: Option<serde_json::Value>, class: Option<Class>) -> Self {
        Self { error, class }
    }

    /// The problem with the error in its member `error`, and the class in `class`.
    #[must_use]
    pub fn put_into(self, problem: Problem) -> Problem {
        let problem = match self.error {
            Some(error) => problem.with("error", error),
            None => problem,
        };
        match self.class {
            Some(class) => problem.with("class", class.to_string()),
            None => problem,
        }
    }
}

/// An error that serde can write.
pub trait ErrorAsData<T, E> {
    /// The error, if there is one and it can be written.
    fn data(&self, returned: &Result<T, E>) -> Option<serde_json::Value>;
}

impl<T, E: Serialize> ErrorAsData<T, E> for &Returned<Result<T, E>> {
    fn data(&self, returned: &Result<T, E>) -> Option<serde_json::Value> {
        returned.as_ref().err().and_then(|error| serde_json::to_value(error).ok())
    }
}

/// Anything else.
pub trait NoErrorAsData<R> {
    /// Nothing.
    fn data(&self, _: &R) -> Option<serde_json::Value> {
        None
    }
}

impl<R> NoErrorAsData<R> for Returned<R> {}

/// An error that says its class.
pub trait ClassOfError<T, E> {
    /// The class of the error, if there is one.
    fn class(&self, returned: &Result<T, E>) -> Option<Class>;
}

impl<T, E: Classify> ClassOfError<T, E> for &Returned<Result<T, E>> {
    fn class(&self, returned: &Result<T, E>) -> Option<Class> {
        returned.as_ref().err().map(Classify::class)
    }
}

/// Anything else.
pub trait NoClass<R> {
    /// None.
    fn class(&self, _: &R) -> Option<Class> {
        None
    }
}

impl<R> NoClass<R> for Returned<R> {}

/// Turns what a route of a contract returned into what it answers.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_answered {
    ($status:expr, $returned:expr) => {{
        use $crate::__private::contract::way::*;
        let returned = $returned;
        let kept = {
            let of = $crate::__private::answered::Returned::of(&returned);
            $crate::__private::contract::Kept::of((&&of).data(&returned), (&&of).class(&returned))
        };
        match $crate::__answered!($status, returned) {
            $crate::__private::std::result::Result::Ok(answer) => $crate::__private::std::result::Result::Ok(answer),
            $crate::__private::std::result::Result::Err(problem) => $crate::__private::std::result::Result::Err(kept.put_into(problem)),
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Answered;

    #[derive(Debug, Serialize, thiserror::Error)]
    #[error("no stock")]
    struct NoStock {
        left: u8,
    }

    impl Classify for NoStock {
        fn class(&self) -> Class {
            Class::Permanent
        }
    }

    #[derive(Debug, Serialize, thiserror::Error)]
    #[error("plain")]
    struct Plain;

    fn problem(answered: Answered) -> Problem {
        answered.unwrap_err()
    }

    #[test]
    fn the_error_goes_along_as_data() {
        let problem = problem(crate::__contract_answered!(200, Err::<(), _>(NoStock { left: 2 })));
        assert_eq!(problem.extension("error"), Some(&serde_json::json!({ "left": 2 })));
        assert_eq!((problem.status(), problem.extension("class")), (422, Some(&"permanent".into())));
    }

    #[test]
    fn an_error_without_a_class_states_none() {
        let problem = problem(crate::__contract_answered!(200, Err::<u8, _>(Plain)));
        assert_eq!((problem.extension("error"), problem.extension("class")), (Some(&serde_json::Value::Null), None));
    }

    #[test]
    fn what_is_no_error_is_answered_as_ever() {
        assert_eq!(crate::__contract_answered!(201, Ok::<_, NoStock>(1)).unwrap().status(), 201);
        assert_eq!(crate::__contract_answered!(200, ()).unwrap().status(), 204);
    }
}
