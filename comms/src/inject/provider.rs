//! Functions that make injectable values.

use std::future::Future;

use super::{InjectError, Scope, TypeList, Value};
use crate::error::BoxError;
use crate::location::Location;

/// What `#[provider]` says of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderDecl {
    /// The function's name.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
}

impl ProviderDecl {
    /// A provider.
    #[must_use]
    pub const fn new(name: &'static str, location: Location) -> Self {
        Self { name, location }
    }
}

/// The descriptor of a `#[provider]` function. It runs once, at start, after the providers of its arguments.
pub trait Provider: Send + Sync + 'static {
    /// What it provides.
    type Value: Value;
    /// Its arguments.
    type Args: TypeList + Send + 'static;
    /// What its attribute says.
    const DECL: ProviderDecl;

    /// Resolves the arguments.
    ///
    /// # Errors
    /// When a value is missing.
    fn inject(scope: &Scope) -> Result<Self::Args, InjectError>;

    /// Makes the value.
    fn provide(args: Self::Args) -> impl Future<Output = Result<Self::Value, BoxError>> + Send;
}
