//! Chooses, for a concrete type in an expansion, between a type that injects itself and one that a
//! provider makes: autoref specialization
//! (<https://github.com/dtolnay/case-studies/blob/master/autoref-specialization/README.md>).
//!
//! An expansion writes `(&&Probe::<T>::new()).inject(scope)` with the traits of [`via`] in scope. The method is
//! looked for on `&Probe` ([`ViaMessage`]), then on `&&Probe` ([`ViaItself`]), then on `Probe` ([`ViaProvider`]).

use std::marker::PhantomData;

use super::Injected;
use crate::inject::{InjectError, Injectable, Scope};
use crate::message::Message;

/// The traits by which a value is taken out of a scope, without their names.
pub mod via {
    pub use super::{ViaItself as _, ViaMessage as _, ViaProvider as _};
}

/// Stands for the type `T` without a value of it.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// The probe.
    #[allow(clippy::new_without_default, reason = "called by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// A message in the place of a value: refused. `SecondMessage` is implemented by nothing.
pub trait ViaMessage<T> {
    /// Never compiles.
    ///
    /// # Errors
    /// Never.
    fn inject(&self, scope: &Scope) -> Result<T, InjectError>
    where
        T: SecondMessage;
}

impl<T: Message> ViaMessage<T> for &Probe<T> {
    fn inject(&self, _: &Scope) -> Result<T, InjectError>
    where
        T: SecondMessage,
    {
        Err(InjectError::Missing { wanted: T::TYPE.rust_path })
    }
}

/// What no type is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a message, it can't be injected",
    label = "a second message",
    note = "a handler takes one message, its first argument; what follows is injected: a `Publisher<{Self}>` to publish such a message, for example"
)]
pub trait SecondMessage {}

/// First choice: the type injects itself.
pub trait ViaItself<T> {
    /// Takes it out of the scope.
    ///
    /// # Errors
    /// When something is missing.
    fn inject(&self, scope: &Scope) -> Result<T, InjectError>;
}

impl<T: Injectable> ViaItself<T> for &&Probe<T> {
    fn inject(&self, scope: &Scope) -> Result<T, InjectError> {
        T::inject(scope)
    }
}

/// Second choice: a value that a provider made.
pub trait ViaProvider<T> {
    /// Takes it out of the scope.
    ///
    /// # Errors
    /// When it is missing.
    fn inject(&self, scope: &Scope) -> Result<T, InjectError>
    where
        T: Injected;
}

impl<T> ViaProvider<T> for Probe<T> {
    fn inject(&self, scope: &Scope) -> Result<T, InjectError>
    where
        T: Injected,
    {
        scope.get()
    }
}

#[cfg(test)]
#[allow(clippy::needless_borrow, reason = "the borrows are what chooses")]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Itself;
    impl Injectable for Itself {
        fn inject(_: &Scope) -> Result<Self, InjectError> {
            Ok(Self)
        }
    }

    #[test]
    fn a_type_that_injects_itself_needs_no_provider() {
        assert_eq!((&&Probe::<Itself>::new()).inject(&Scope::new()), Ok(Itself));
    }

    #[test]
    fn every_other_type_comes_from_the_scope() {
        let mut scope = Scope::new();
        scope.insert(7_u8);
        assert_eq!((&&Probe::<u8>::new()).inject(&scope), Ok(7));
    }
}
