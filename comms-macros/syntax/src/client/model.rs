//! What a checked `#[client]` on a struct says.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Path, Visibility};

use crate::{Common, Setting, Text};

/// A client: a unit struct that becomes one.
#[derive(Clone, Debug)]
pub struct Client {
    /// What all models have.
    pub common: Common,
    /// All attributes of the struct.
    pub attrs: Vec<Attribute>,
    /// Its visibility.
    pub vis: Visibility,
    /// The struct.
    pub ident: Ident,
    /// What it calls.
    pub calls: Calls,
    /// Its name in the configuration.
    pub name: Text,
    /// How long a call may take, unless the default.
    pub timeout: Option<Setting<Duration>>,
    /// Whether the struct derives `Clone` itself.
    pub derives_clone: bool,
    /// Whether the struct derives `Debug` itself.
    pub derives_debug: bool,
}

/// What a client calls: the path of a trait.
#[derive(Clone, Debug)]
pub enum Calls {
    /// A contract, over HTTP.
    Http(Path),
    /// A trait that comms-build generated for a gRPC service.
    Grpc(Path),
}

impl Calls {
    /// The path, as it was written.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Http(path) | Self::Grpc(path) => path,
        }
    }

    /// The path of what is generated beside the trait: its name with something behind it.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> TokenStream {
        let mut path = self.path().clone();
        if let Some(last) = path.segments.last_mut() {
            last.ident = crate::names::beside(&last.ident, suffix);
        }
        path.into_token_stream()
    }
}
