//! What an attribute says of a client: plain constants that generated code builds and `wiring` prints.

use std::fmt;
use std::time::Duration;

use super::{Channel, Settings};
use crate::location::Location;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientKind {
    /// HTTP with JSON.
    Http,
    /// gRPC.
    Grpc,
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        })
    }
}

/// What is known of a client when it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientDecl {
    /// Its name: what `[clients.NAME]` configures.
    pub name: &'static str,
    /// How it speaks.
    pub kind: ClientKind,
    /// What it calls: the name of a contract, or of a service in a `.proto` file.
    pub contract: &'static str,
    /// Where it calls unless the configuration says otherwise, a URL; of foreign APIs.
    pub url: Option<&'static str>,
    /// How long a call may take unless the configuration says otherwise.
    pub timeout: Option<Duration>,
    /// Where it stands.
    pub location: Location,
    /// The doc comment.
    pub doc: &'static str,
}

impl ClientDecl {
    /// A client of the contract.
    #[must_use]
    pub const fn new(name: &'static str, kind: ClientKind, contract: &'static str, location: Location) -> Self {
        Self { name, kind, contract, url: None, timeout: None, location, doc: "" }
    }

    /// Calls there unless the configuration says otherwise.
    #[must_use]
    pub const fn url(mut self, url: &'static str) -> Self {
        self.url = Some(url);
        self
    }

    /// A call may take so long unless the configuration says otherwise.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// With this doc comment.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// A typed client that is made over a [`Channel`]. Implemented by `#[client]`, and for the clients of contracts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no client",
    label = "a client is a struct under `#[client(..)]`, or one that `#[service]` made of a contract"
)]
pub trait Client: Clone + Send + Sync + Sized + 'static {
    /// What its attribute says.
    const DECL: ClientDecl;

    /// Calls over the channel.
    fn over(channel: Channel, settings: Settings) -> Self;
}
