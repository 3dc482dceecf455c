//! Contracts: traits that a service and its callers share.
//!
//! `#[service(name = "..", version = "..")]` on a trait makes one: the trait itself, a client of it over HTTP
//! (`PaymentsClient` of `Payments`), and with the feature `testing` a fake (`PaymentsFake`). A service implements it
//! under `#[service]`; callers have a struct under `#[client(http = path::Payments)]`. The traits that `comms-build`
//! generates for gRPC services are implemented in the same way.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AppBuilder, Service};

/// The descriptor of what implements a contract. Implemented beside the impl by `#[service]`.
pub trait Implementation: 'static {
    /// The service that implements it.
    type Service: Service;

    /// Registers all that the contract says.
    fn register(app: AppBuilder) -> AppBuilder;
}

impl AppBuilder {
    /// Adds what a service implements of a contract: its routes, or its methods of gRPC.
    pub fn implementation<I: Implementation>(self) -> Self {
        I::register(self)
    }
}

/// The error of a method that has none: a call of it can fail on its way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl Serialize for Never {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

/// Nothing can be read as one.
impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("the method has no error of its own"))
    }
}
