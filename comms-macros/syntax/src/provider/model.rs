//! What a checked `#[provider]` says.

use proc_macro2::Ident;
use syn::{Type, Visibility};

use crate::Common;

/// A provider: a free function that makes an injectable value.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What all models have.
    pub common: Common,
    /// The function.
    pub ident: Ident,
    /// Its visibility.
    pub vis: Visibility,
    /// Its arguments, which are injected.
    pub args: Vec<Type>,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// What it returns, as it was written.
    pub output: Type,
    /// The value within it, if it is a `Result`, which is told by the name; else `output` is the value.
    pub fallible: Option<Type>,
}
