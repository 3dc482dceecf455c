//! Calls over HTTP, as the clients of contracts make them.

use super::{Call, Channel, Settings};
use crate::http::RouteDecl;

/// Calls routes over a channel. The clients of contracts are made of it.
#[derive(Clone, Debug)]
pub struct HttpCaller {
    pub(super) channel: Channel,
    pub(super) settings: Settings,
}

impl HttpCaller {
    /// Calls over the channel.
    #[must_use]
    pub fn new(channel: Channel, settings: Settings) -> Self {
        Self { channel, settings }
    }

    /// Begins a call of the route.
    pub fn begin(&self, route: &RouteDecl) -> Call<'_> {
        Call::new(self, route)
    }
}
