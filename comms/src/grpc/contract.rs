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

/// What is known of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodDecl {
    /// Its name as on the wire: `Reserve`.
    pub name: &'static str,
    /// What streams.
    pub kind: MethodKind,
}

impl MethodDecl {
    /// One request, one answer.
    #[must_use]
    pub const fn unary(name: &'static str) -> Self {
        Self { name, kind: MethodKind::Unary }
    }

    /// A stream of requests, one answer.
    #[must_use]
    pub const fn client_streaming(name: &'static str) -> Self {
        Self { name, kind: MethodKind::ClientStreaming }
    }

    /// One request, a stream of answers.
    #[must_use]
    pub const fn server_streaming(name: &'static str) -> Self {
        Self { name, kind: MethodKind::ServerStreaming }
    }

    /// Streams in both directions.
    #[must_use]
    pub const fn bidirectional(name: &'static str) -> Self {
        Self { name, kind: MethodKind::Bidirectional }
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
