//! What an error in a chain of causes says to the pipeline, whatever its type.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Class, Classified, Classify, Failure, chain};

/// What an error says of itself to whoever finds it in a chain of causes: its class, and how long to wait before the next attempt.
///
/// A type that is generic can't be looked for in a chain. It gives this as its
/// [`source`](StdError::source), as the errors of clients do: `client::CallError` and `grpc::GrpcError`. It is no cause of its own: logs and dead letters leave it out.
///
/// ```
/// use comms::{Advice, Class, Fault};
///
/// #[derive(Debug)]
/// struct Refused<T>(T);
///
/// # impl<T: std::fmt::Debug> std::fmt::Display for Refused<T> {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("refused") }
/// # }
/// impl<T: std::fmt::Debug> std::error::Error for Refused<T> {
///     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
///         Some(Advice::of(Class::Permanent))
///     }
/// }
///
/// assert_eq!(Fault::from_boxed(Refused(7).into()).class, Class::Permanent);
/// ```
#[derive(Clone, Debug)]
pub struct Advice {
    class: Class,
    delay: Option<Duration>,
    before: Option<Arc<dyn StdError + Send + Sync>>,
}

static RETRYABLE: Advice = Advice::new(Class::Retryable);
static PERMANENT: Advice = Advice::new(Class::Permanent);
static UNKNOWN: Advice = Advice::new(Class::Unknown);

impl Advice {
    /// The advice that says the class and nothing else.
    #[must_use]
    pub fn of(class: Class) -> &'static Self {
        match class {
            Class::Retryable => &RETRYABLE,
            Class::Permanent => &PERMANENT,
            Class::Unknown => &UNKNOWN,
        }
    }

    /// An advice of the class.
    #[must_use]
    pub const fn new(class: Class) -> Self {
        Self { class, delay: None, before: None }
    }

    /// The same with the time after which another attempt makes sense.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// The same in the place of `error`, whose causes are its own.
    #[cfg(feature = "grpc")]
    pub(crate) fn before_causes_of(self, error: impl StdError + Send + Sync + 'static) -> Self {
        Self { before: Some(Arc::new(error)), ..self }
    }

    /// What the error means.
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

/// Two that say the same are equal, whatever stands behind them.
impl PartialEq for Advice {
    fn eq(&self, other: &Self) -> bool {
        (self.class, self.delay) == (other.class, other.delay)
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, delay, .. } = self;
        write!(f, "{class}")?;
        delay.map_or(Ok(()), |delay| write!(f, ", not before {delay:?} have passed"))
    }
}

impl StdError for Advice {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.before.as_ref()?.source()
    }
}

/// The class that an error, or one in its chain, states.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    chain(error).find_map(|error| {
        let classified = error.downcast_ref::<Classified>().map(Classified::class);
        let failure = || error.downcast_ref::<Failure>().map(Classify::class);
        classified.or_else(failure).or_else(|| error.downcast_ref().map(Advice::class))
    })
}

/// How long to wait before the next attempt, as an error or one in its chain says.
pub(super) fn retry_delay(error: &(dyn StdError + 'static)) -> Option<Duration> {
    chain(error).find_map(|error| {
        let classified = error.downcast_ref::<Classified>().and_then(Classified::retry_delay);
        classified.or_else(|| error.downcast_ref().and_then(Advice::retry_delay))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{BoxError, Fault, chain_text};

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Caused<T: fmt::Debug + fmt::Display>(T, #[source] Advice);

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] BoxError);

    #[test]
    fn what_a_generic_error_says_is_found_below_a_wrapper() {
        for class in [Class::Permanent, Class::Retryable, Class::Unknown] {
            let advice = Advice::of(class).clone().retry_after(Duration::from_secs(7));
            let fault = Fault::from_boxed(Box::new(Outer(Box::new(Caused("inner", advice)))));
            assert_eq!((fault.class, fault.retry_delay()), (class, Some(Duration::from_secs(7))));
        }
        let fault = Fault::from_boxed("busy".into());
        assert_eq!((fault.class, fault.retry_delay()), (Class::Retryable, None));
    }

    #[test]
    fn the_outermost_that_says_something_counts() {
        let inner = Caused("inner", Advice::new(Class::Permanent).retry_after(Duration::from_secs(7)));
        let fault = Fault::from_boxed(Classified::unknown(Outer(Box::new(inner))).into());
        assert_eq!((fault.class, fault.retry_delay()), (Class::Unknown, Some(Duration::from_secs(7))));
        let inner = Caused("inner", Advice::new(Class::Permanent).retry_after(Duration::from_secs(7)));
        let busy = Classified::retryable(Outer(Box::new(inner))).retry_after(Duration::from_secs(2));
        assert_eq!(Fault::from_boxed(busy.into()).retry_delay(), Some(Duration::from_secs(2)));
        let failure = Failure { class: Class::Permanent, message: "gone".to_owned() };
        assert_eq!(Fault::from_boxed(Box::new(Outer(failure.into()))).class, Class::Permanent);
    }

    #[test]
    fn it_is_no_cause_for_a_person() {
        let inner = Caused("inner", Advice::new(Class::Permanent).retry_after(Duration::from_secs(7)));
        assert_eq!(chain_text(&Outer(Box::new(inner))), ["outer", "inner"]);
    }
}
