//! From the error of a service to the problem that a client is told.

use std::error::Error as StdError;

use hyper::header::{HeaderValue, RETRY_AFTER};

use super::Problem;
use crate::error::{BoxError, Class, chain, chain_text};

/// An error that says itself what a client shall be told. What does not implement it is judged by its
/// [`Class`], and says nothing where it has none.
///
/// ```
/// use comms::http::{HttpError, Problem};
///
/// #[derive(Debug, thiserror::Error)]
/// enum FindError {
///     #[error("there is no order {0}")]
///     NoSuchOrder(u64),
///     #[error("the database is away")]
///     Database(#[source] std::io::Error),
/// }
///
/// impl HttpError for FindError {
///     fn problem(&self) -> Problem {
///         match self {
///             Self::NoSuchOrder(_) => Problem::new(404).detail(self.to_string()),
///             Self::Database(_) => Problem::new(503),
///         }
///     }
///
///     fn statuses() -> &'static [(u16, &'static str)] {
///         &[(404, "There is no such order."), (503, "The database is away.")]
///     }
/// }
/// ```
pub trait HttpError: StdError + Send + Sync + 'static {
    /// What the client is told. The log is told the error and its causes when the status is 500 or above.
    fn problem(&self) -> Problem;

    /// The statuses that its problems have, and when: the OpenAPI document lists them of each route that ends with this error. Several
    /// cases may share one; any that no problem can have, outside of 400 to 599, is left out. A problem with a status that is missing from a
    /// list goes to the client all the same, and a warning goes to the log.
    ///
    /// Nothing, unless an implementation says more: the document then has these problems under `default`.
    #[must_use]
    fn statuses() -> &'static [(u16, &'static str)]
    where
        Self: Sized,
    {
        &[]
    }
}

impl HttpError for Problem {
    fn problem(&self) -> Problem {
        self.clone()
    }
}

/// Seconds after which a client may try again what was retryable.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The problem of an error that speaks for itself.
pub(crate) fn spoken<E: HttpError>(error: &E) -> Problem {
    let problem = error.problem();
    if undeclared::<E>(problem.status()) {
        tracing::warn!(
            error = std::any::type_name::<E>(),
            status = problem.status(),
            "a problem has a status that the OpenAPI document does not know: add it to `HttpError::statuses` of the error"
        );
    }
    if problem.cause().is_some() || problem.status() < 500 {
        return problem;
    }
    let cause = chain_text(error).join(": ");
    problem.because(cause)
}

/// Whether the error lists its statuses, and not this one.
fn undeclared<E: HttpError>(status: u16) -> bool {
    let declared = E::statuses();
    !declared.is_empty() && declared.iter().all(|(known, _)| *known != status)
}

/// The problem of an error that has this class.
pub(crate) fn classified(class: Class, error: &BoxError) -> Problem {
    match class {
        Class::Permanent => refused(error.to_string(), causes(error)),
        Class::Retryable => Problem::new(503).header(RETRY_AFTER, RETRY_AFTER_SECONDS).because(causes(error)),
        Class::Unknown => Problem::new(500).because(causes(error)),
    }
}

/// The problem of any other error: one that is in its chain, what a body was refused with for example; else by the class that is
/// stated in its chain, else nobody's business but the log's.
pub(crate) fn searched(error: &BoxError, stated: Option<Class>) -> Problem {
    if let Some(problem) = chain(error.as_ref()).find_map(|error| error.downcast_ref::<Problem>()) {
        return spoken(problem);
    }
    classified(stated.unwrap_or(Class::Unknown), error)
}

/// The client is told the error's own text, the log what there is beyond it.
fn refused(own: String, causes: String) -> Problem {
    let beyond = (causes != own).then_some(causes);
    let problem = Problem::new(422).detail(own);
    beyond.into_iter().fold(problem, Problem::because)
}

fn causes(error: &BoxError) -> String {
    chain_text(error.as_ref()).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Classified, Failure, stated_class};

    fn searched(error: BoxError) -> Problem {
        super::searched(&error, stated_class(error.as_ref(), |_| None))
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the order was refused")]
    struct Caused(#[source] BoxError);

    #[derive(Debug, thiserror::Error)]
    #[error("gone")]
    struct Gone;

    impl HttpError for Gone {
        fn problem(&self) -> Problem {
            Problem::new(410)
        }

        fn statuses() -> &'static [(u16, &'static str)] {
            &[(404, "It was never here."), (410, "It was here.")]
        }
    }

    #[test]
    fn only_a_list_can_lack_a_status() {
        assert_eq!([404, 410, 503].map(undeclared::<Gone>), [false, false, true]);
        assert!(!undeclared::<Problem>(503));
    }

    #[test]
    fn causes_are_for_the_log_whatever_the_class() {
        let (own, all) = (Some("the order was refused"), Some("the order was refused: the password is hunter2"));
        for (class, status, told) in [(Class::Permanent, 422, own), (Class::Retryable, 503, None), (Class::Unknown, 500, None)] {
            let problem = searched(Classified::new(class, Caused("the password is hunter2".into())).into());
            assert_eq!((problem.status(), problem.detail_text(), problem.cause()), (status, told, all));
        }
    }

    #[test]
    fn the_text_of_an_error_that_says_nothing_of_itself_stays_here() {
        let problem = searched("the password is hunter2".into());
        assert_eq!((problem.status(), problem.detail_text(), problem.cause()), (500, None, Some("the password is hunter2")));
    }

    #[test]
    fn the_class_decides_where_one_is_stated() {
        let problem = searched(Classified::permanent("no such customer").into());
        assert_eq!((problem.status(), problem.detail_text()), (422, Some("no such customer")));
        let problem = searched(Failure { class: Class::Retryable, message: "busy".into() }.into());
        assert_eq!((problem.status(), problem.detail_text(), problem.cause()), (503, None, Some("busy")));
    }
}
