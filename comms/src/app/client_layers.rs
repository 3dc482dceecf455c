//! Layers of tower around the channels of clients.

use std::fmt;
use std::sync::Arc;

use axum_core::body::Body;
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::AppBuilder;
use crate::client::Channel;
use crate::error::BoxError;

impl AppBuilder {
    /// Puts a layer of tower around whatever the client of the name calls over: addresses, instances, a service of this process. Retries,
    /// breakers, limits and balancers plug in here; [`Channel::layered`] says what they are told and may say.
    ///
    /// A layer is around those that were given before it. The name is checked at the start.
    ///
    /// ```
    /// use comms::AppBuilder;
    /// use tower::limit::ConcurrencyLimitLayer;
    ///
    /// let app = AppBuilder::new("shop").layer_client("payments", ConcurrencyLimitLayer::new(8));
    /// # drop(app);
    /// ```
    pub fn layer_client<L, B>(mut self, client: impl Into<String>, layer: L) -> Self
    where
        L: Layer<Channel> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.clients.layers.0.push(Entry::of(Some(client.into()), layer));
        self
    }

    /// Puts a layer of tower around whatever each client calls over, one around each: as [`layer_client`](Self::layer_client), for all
    /// clients.
    pub fn layer_clients<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<Channel> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.clients.layers.0.push(Entry::of(None, layer));
        self
    }
}

/// A layer without its type, and whose it is: all clients' if nobody's.
#[derive(Clone)]
struct Entry {
    client: Option<String>,
    around: Arc<dyn Fn(Channel) -> Channel + Send + Sync>,
}

impl Entry {
    fn of<L, B>(client: Option<String>, layer: L) -> Self
    where
        L: Layer<Channel> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self { client, around: Arc::new(move |channel| channel.layered(&layer)) }
    }

    fn is_of(&self, client: &str) -> bool {
        self.client.as_ref().is_none_or(|own| own == client)
    }
}

/// The layers, in the order in which they were given: innermost first.
#[derive(Clone, Default)]
pub(crate) struct Layers(Vec<Entry>);

impl Layers {
    /// The channel of the client with its layers.
    pub(super) fn around(&self, client: &str, channel: Channel) -> Channel {
        self.0.iter().filter(|entry| entry.is_of(client)).fold(channel, |channel, entry| (entry.around)(channel))
    }

    /// The clients that were named.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|entry| entry.client.as_deref())
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|entry| entry.client.as_deref().unwrap_or("every client"))).finish()
    }
}
