//! What an error means for the work that met it.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub use self::advice::Advice;

mod advice;

/// A boxed error, what every handler's error becomes.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What should happen to work that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Class {
    /// Trying again can help. What an error is taken for that says nothing of itself.
    #[default]
    Retryable,
    /// Trying again is useless: the message goes to the dead letters at once.
    Permanent,
    /// Nobody knows whether the work was done; it is tried again, under the same message id.
    Unknown,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retryable => "retryable",
            Self::Permanent => "permanent",
            Self::Unknown => "unknown",
        })
    }
}

/// Implement this on an error type to say what its values mean; without it an error is retryable.
///
/// ```
/// use comms::{Class, Classify};
///
/// #[derive(Debug)]
/// enum BillingError { NoSuchCustomer, DatabaseBusy }
///
/// impl Classify for BillingError {
///     fn class(&self) -> Class {
///         match self {
///             Self::NoSuchCustomer => Class::Permanent,
///             Self::DatabaseBusy => Class::Retryable,
///         }
///     }
/// }
/// # assert_eq!(BillingError::DatabaseBusy.class(), Class::Retryable);
/// # assert_eq!(BillingError::NoSuchCustomer.class(), Class::Permanent);
/// ```
pub trait Classify {
    /// What this very error means.
    fn class(&self) -> Class;
}

/// Any error with its [`Class`] said beside it: what a handler returns through `?` when its own error type says nothing.
///
/// ```
/// use comms::{Class, Classified};
/// let error = Classified::permanent("the customer was deleted");
/// assert_eq!(error.class(), Class::Permanent);
/// ```
#[derive(Debug)]
pub struct Classified {
    class: Class,
    delay: Option<Duration>,
    error: BoxError,
}

impl Classified {
    /// An error that trying again can't mend.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Permanent, error)
    }

    /// An error that trying again can mend.
    pub fn retryable(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Retryable, error)
    }

    /// An error after which nobody knows whether the work was done.
    pub fn unknown(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Unknown, error)
    }

    /// An error of the class.
    pub fn new(class: Class, error: impl Into<BoxError>) -> Self {
        Self { class, delay: None, error: error.into() }
    }

    /// The same with the time after which another attempt makes sense: a message is tried again no earlier, within the longest
    /// backoff of its handler.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// What it means.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// How long to wait before the next attempt, if that was said.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.delay
    }
}

impl fmt::Display for Classified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Classified {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

/// What a handler's failure is to the pipeline: the error and its class.
#[derive(Debug)]
pub struct Fault {
    /// What should happen to the message.
    pub class: Class,
    /// What the handler said.
    pub error: BoxError,
}

impl Fault {
    /// A failure whose class is found in the error itself: the first [`Classified`], [`Failure`] or [`Advice`] in its chain, that of a client's
    /// error for example; else retryable.
    pub fn from_boxed(error: BoxError) -> Self {
        let class = find_class(error.as_ref());
        Self { class, error }
    }

    /// A failure of the class.
    pub fn new(class: Class, error: impl Into<BoxError>) -> Self {
        Self { class, error: error.into() }
    }

    /// How long to wait before the next attempt, if a [`Classified`] or an [`Advice`] in the chain of the error says so: what a service that was
    /// called asks for in `retry-after`.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        advice::retry_delay(self.error.as_ref())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

fn find_class(error: &(dyn StdError + 'static)) -> Class {
    advice::class(error).unwrap_or_default()
}

/// The class that an error, or one in its chain, states: a [`Classified`], a [`Failure`], or one that `own` knows.
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "callers over HTTP and gRPC are told of it"))]
pub(crate) fn stated_class(error: &(dyn StdError + 'static), own: impl Fn(&(dyn StdError + 'static)) -> Option<Class>) -> Option<Class> {
    chain(error).find_map(|error| {
        let classified = error.downcast_ref::<Classified>().map(Classified::class);
        classified.or_else(|| error.downcast_ref::<Failure>().map(Classify::class)).or_else(|| own(error))
    })
}

/// An error and everything that caused it, outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The messages of an error and of everything that caused it, outermost first, without repeats. An [`Advice`] is for programs.
#[must_use]
pub(crate) fn chain_text(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = chain(error).filter(|error| !error.is::<Advice>()).map(ToString::to_string).collect();
    texts.dedup();
    texts
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("with a value that is no text")
}

/// The error of a command or query that declares none of its own: text and class, which travel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// What the caller should do.
    pub class: Class,
    /// What went wrong, for a person.
    pub message: String,
}

impl Failure {
    /// The failure that stands for `error`, with the texts of its causes; for `map_err(Failure::of)`.
    pub fn of(error: impl Into<BoxError>) -> Self {
        let error = error.into();
        Self { class: find_class(error.as_ref()), message: chain_text(error.as_ref()).join(": ") }
    }
}

impl Classify for Failure {
    fn class(&self) -> Class {
        self.class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_says_nothing_is_retryable() {
        assert_eq!(Fault::from_boxed("busy".into()).class, Class::Retryable);
    }

    #[test]
    fn the_class_is_found_below_a_wrapper() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Classified);
        assert_eq!(Fault::from_boxed(Box::new(Outer(Classified::permanent("inner")))).class, Class::Permanent);
    }
}
