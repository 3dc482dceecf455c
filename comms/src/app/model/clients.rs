//! Clients.

use std::time::Duration;

use serde::Serialize;

use super::{duration, optional_duration};

/// A client of another service, with what the configuration says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ClientModel {
    pub(crate) name: String,
    /// `http` or `grpc`.
    pub(crate) kind: String,
    /// What it calls: the name of a contract, or of a service in a `.proto` file.
    pub(crate) contract: String,
    pub(crate) addresses: Vec<String>,
    #[serde(serialize_with = "duration")]
    pub(crate) connect_timeout: Duration,
    #[serde(serialize_with = "optional_duration")]
    pub(crate) attempt_timeout: Option<Duration>,
    /// Of a whole call; none: what each method says.
    #[serde(serialize_with = "optional_duration")]
    pub(crate) timeout: Option<Duration>,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
}
