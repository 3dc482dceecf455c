//! Calls over HTTP, as the clients of contracts make them.

use std::fmt;
use std::sync::Arc;

use super::{Call, Channel, Settings};
use crate::http::RouteDecl;

/// Calls routes over a channel. The clients of contracts are made of it.
#[derive(Clone)]
pub struct HttpCaller {
    pub(super) channel: Channel,
    pub(super) settings: Settings,
    pub(super) key: Option<Arc<str>>,
}

impl HttpCaller {
    /// Calls over the channel.
    #[must_use]
    pub fn new(channel: Channel, settings: Settings) -> Self {
        Self { channel, settings, key: None }
    }

    /// The same, whose calls that have an idempotency key have this one instead of a new one each: the service takes them for
    /// repetitions of one call.
    #[must_use]
    pub fn with_idempotency_key(&self, key: impl Into<Arc<str>>) -> Self {
        Self { key: Some(key.into()), ..self.clone() }
    }

    /// Begins a call of the route.
    pub fn begin(&self, route: &RouteDecl) -> Call<'_> {
        Call::new(self, route)
    }
}

impl fmt::Debug for HttpCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCaller").field("channel", &self.channel).field("settings", &self.settings).finish_non_exhaustive()
    }
}
