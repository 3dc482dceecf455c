//! Values by type: what services, providers and handlers get handed.

mod provider;
mod scope;
mod types;

pub use provider::{Provider, ProviderDecl};
pub use scope::{InjectError, Injectable, Scope, Value};
pub use types::{TypeList, TypeRef};
