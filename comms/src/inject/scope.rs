//! The values of one application, one of each type.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use super::TypeRef;

/// A value that can be handed to several places: cheap to clone, an `Arc` or a pool handle inside.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be injected",
    label = "an injected value must be `Clone + Send + Sync + 'static`",
    note = "wrap it: `Arc<{Self}>`; a provider makes it once and every taker gets a clone"
)]
pub trait Value: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Value for T {}

/// A type that knows how to come out of a [`Scope`] itself, [`Publisher`](crate::Publisher) for example; every
/// other type needs a `#[provider]`.
pub trait Injectable: Sized {
    /// Takes the value out of the scope.
    ///
    /// # Errors
    /// When something that it is made of is missing.
    fn inject(scope: &Scope) -> Result<Self, InjectError>;
}

/// Why a value could not be handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InjectError {
    /// Nothing provides the type.
    #[error(
        "nothing provides `{wanted}`: write `#[provider] async fn .. -> {wanted}`, or hand it over with `App::builder().provide(value)`"
    )]
    Missing {
        /// The type.
        wanted: &'static str,
    },
    /// A value exists, but can't be made for a reason of its own.
    #[error("could not make `{wanted}`: {reason}")]
    Unavailable {
        /// The type.
        wanted: &'static str,
        /// Why, and what to do.
        reason: String,
    },
}

/// The values of one application, by type.
#[derive(Default)]
pub struct Scope {
    values: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Scope {
    /// An empty scope.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; one of the same type that is there already is replaced and returned.
    pub fn insert<T: Value>(&mut self, value: T) -> Option<T> {
        let earlier = self.values.insert(TypeId::of::<T>(), Box::new(value));
        earlier.and_then(|earlier| earlier.downcast().ok()).map(|earlier| *earlier)
    }

    /// A clone of the value of the type.
    ///
    /// # Errors
    /// [`InjectError::Missing`] when there is none.
    pub fn get<T: Value>(&self) -> Result<T, InjectError> {
        let value = self.values.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref::<T>());
        value.cloned().ok_or(InjectError::Missing { wanted: std::any::type_name::<T>() })
    }

    /// Whether there is a value of the type.
    #[must_use]
    pub fn contains(&self, wanted: TypeRef) -> bool {
        self.values.contains_key(&wanted.id())
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({} values)", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_named_with_the_way_out() {
        let error = Scope::new().get::<u32>().unwrap_err();
        assert_eq!(error, InjectError::Missing { wanted: "u32" });
        assert!(error.to_string().contains("#[provider]"));
    }

    #[test]
    fn a_later_value_replaces_the_earlier() {
        let mut scope = Scope::new();
        assert_eq!(scope.insert(1_u32), None);
        assert_eq!(scope.insert(2_u32), Some(1));
        assert_eq!(scope.get::<u32>(), Ok(2));
    }
}
