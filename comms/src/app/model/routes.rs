//! HTTP routes and gRPC services.

use std::time::Duration;

use serde::Serialize;

use super::{duration, optional_duration};
use crate::app::contents::ContentModel;

/// An HTTP route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RouteModel {
    pub(crate) name: String,
    /// `GET`.
    pub(crate) verb: &'static str,
    pub(crate) path: String,
    pub(crate) parameters: Vec<ParameterModel>,
    /// Of success.
    pub(crate) status: u16,
    #[serde(serialize_with = "duration")]
    pub(crate) timeout: Duration,
    /// In bytes.
    pub(crate) body_limit: usize,
    /// Whether a request may be sent again when nobody knows whether it was carried out.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) idempotent: bool,
    /// Whether it may be with the key that the first one had.
    #[serde(skip_serializing_if = "is_not")]
    pub(crate) idempotency_key: bool,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
    /// Of success, if anything is known; in the documents only.
    #[serde(skip)]
    pub(crate) answer: Option<ContentModel>,
    /// Of the member `error` of its problems, if anything is known; in the documents only.
    #[serde(skip)]
    pub(crate) error: Option<ContentModel>,
}

/// An argument of a route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ParameterModel {
    pub(crate) name: &'static str,
    /// `path`, `query`, `header`, `body` or `extracted`.
    #[serde(rename = "in")]
    pub(crate) place: String,
    /// If anything is known; in the documents only.
    #[serde(skip)]
    pub(crate) content: Option<ContentModel>,
}

/// A gRPC service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GrpcModel {
    /// Its full name: `shop.inventory.v1.Inventory`.
    pub(crate) name: &'static str,
    pub(crate) methods: Vec<GrpcMethodModel>,
}

/// A method of a gRPC service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GrpcMethodModel {
    pub(crate) name: &'static str,
    /// `unary`, `client streaming`, `server streaming` or `bidirectional`.
    pub(crate) kind: &'static str,
    /// Its name in Rust.
    pub(crate) handler: &'static str,
    /// `no side effects` or `idempotent`, if the `.proto` file says one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency: Option<&'static str>,
    #[serde(serialize_with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Duration>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_limit: Option<usize>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer_limit: Option<usize>,
}

/// What does not hold is not told.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_not(value: &bool) -> bool {
    !value
}
