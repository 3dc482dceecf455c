//! What is known of a service when it is compiled, and how it is called. Generated code implements these.

use std::future::Future;
use std::sync::Arc;

use super::{Answer, Call};

/// What streams in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MethodKind {
    /// One request, one answer.
    Unary,
    /// A stream of requests, one answer.
    ClientStreaming,
    /// One request, a stream of answers.
    ServerStreaming,
    /// Streams in both directions, independent of each other.
    Bidirectional,
}

/// What a call may be repeated for, as `option idempotency_level` in the `.proto` file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Idempotency {
    /// Nobody says.
    #[default]
    Unknown,
    /// `NO_SIDE_EFFECTS`: it changes nothing.
    NoSideEffects,
    /// `IDEMPOTENT`: twice is as good as once.
    Idempotent,
}

/// What is known of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodDecl {
    /// Its name as on the wire: `Reserve`.
    pub name: &'static str,
    /// What streams.
    pub kind: MethodKind,
    /// Its name in Rust, by which it is configured: `reserve`.
    pub handler: &'static str,
    /// Whether a call may be repeated.
    pub idempotency: Idempotency,
}

impl MethodDecl {
    const fn of(name: &'static str, kind: MethodKind) -> Self {
        Self { name, kind, handler: name, idempotency: Idempotency::Unknown }
    }

    /// It is called so in Rust.
    #[must_use]
    pub const fn handler(mut self, handler: &'static str) -> Self {
        self.handler = handler;
        self
    }

    /// A call may be repeated, as the `.proto` file says.
    #[must_use]
    pub const fn idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// One request, one answer.
    #[must_use]
    pub const fn unary(name: &'static str) -> Self {
        Self::of(name, MethodKind::Unary)
    }

    /// A stream of requests, one answer.
    #[must_use]
    pub const fn client_streaming(name: &'static str) -> Self {
        Self::of(name, MethodKind::ClientStreaming)
    }

    /// One request, a stream of answers.
    #[must_use]
    pub const fn server_streaming(name: &'static str) -> Self {
        Self::of(name, MethodKind::ServerStreaming)
    }

    /// Streams in both directions.
    #[must_use]
    pub const fn bidirectional(name: &'static str) -> Self {
        Self::of(name, MethodKind::Bidirectional)
    }
}

/// A service, as its `.proto` file describes it.
pub trait Descriptor: Send + Sync + 'static {
    /// Its full name on the wire: `shop.inventory.v1.Inventory`.
    const NAME: &'static str;
    /// Its methods, in the order of the file.
    const METHODS: &'static [MethodDecl];
    /// The `.proto` files that describe it and everything that they import, an encoded `FileDescriptorSet`: what reflection tells.
    const FILES: &'static [u8] = &[];
}

/// How the service is answered by `S`.
#[diagnostic::on_unimplemented(
    message = "`{S}` does not implement the service of `{Self}`",
    label = "implement the generated trait of the service for `{S}`"
)]
pub trait Serves<S>: Descriptor {
    /// Answers one call of one of the [`METHODS`](Descriptor::METHODS).
    fn serve(service: Arc<S>, call: Call) -> impl Future<Output = Answer> + Send;
}
