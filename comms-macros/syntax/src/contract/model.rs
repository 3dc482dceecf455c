//! What a checked contract says.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{Type, Visibility};

use crate::route::{Idempotency, Route};
use crate::{Common, Setting, Text};

/// A trait that a service and its callers share.
#[derive(Clone, Debug)]
pub struct Contract {
    /// What all models have.
    pub common: Common,
    /// The trait.
    pub ident: Ident,
    /// Its visibility, which all that is generated beside it has too.
    pub vis: Visibility,
    /// The name of the contract, and of its clients in the configuration.
    pub name: Text,
    /// Its version; a foreign API has none.
    pub version: Option<Text>,
    /// Set for a foreign API.
    pub foreign: Option<Foreign>,
    /// Its methods, in order.
    pub methods: Vec<Method>,
}

/// What is only said of a foreign API.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Where it is, unless the configuration says otherwise.
    pub url: Text,
    /// How long a call may take, unless the default.
    pub timeout: Option<Setting<Duration>>,
}

/// A method of a contract.
#[derive(Clone, Debug)]
pub struct Method {
    /// The route by which it travels.
    pub route: Route,
    /// What a caller may do who does not know whether a call has arrived.
    pub idempotency: Option<Idempotency>,
    /// The names of its arguments, one for each parameter of the route.
    pub arguments: Vec<Ident>,
    /// What it returns when all went well, unless nothing.
    pub value: Option<Type>,
    /// Its error, if it returns a `Result`.
    pub error: Option<Type>,
}
