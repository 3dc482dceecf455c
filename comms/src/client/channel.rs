//! What carries requests to a named service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::local::{Carries, Typed};
use super::pool::Pool;
use super::{CallInfo, ChannelError, Home, Instance, Instances, TransportError};
use crate::config::ClientConfig;
use crate::error::BoxError;

/// What is shown as the address of a service in this process.
const THIS_PROCESS: &str = "this process";

/// Carries requests to a named service: over a pool of connections to its addresses, or to a service in this process.
///
/// Clones share the pool. Connections are made when they are needed; those that idle are closed after a while, and all of
/// them once the last clone is dropped. It is a tower service, and a [`Transport`](crate::grpc::Transport) of gRPC.
///
/// Addresses are called in turn. One that can't be connected to is passed over for the next, and is asked last for the
/// five seconds that follow. A request that was sent is not sent again.
///
/// What else should happen to requests (retries, a breaker, a limit) is put around it as a layer of tower: [`layered`](Self::layered).
#[derive(Clone)]
pub struct Channel(Arc<Carrier>);

enum Carrier {
    Pool(Box<Pool>),
    Local(Box<dyn Carries>),
    /// To the application that the client belongs to.
    Home(&'static str, Home),
    /// Layers, and the channel within them.
    Layered(Box<dyn Carries>, Channel),
}

/// A service that can be called in this process: a server of gRPC, a `tower` service of HTTP requests, a router of axum.
pub trait LocalService: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static {}

impl<S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static> LocalService for S {}

impl Channel {
    /// To the addresses of the configuration. Nothing is connected to yet.
    ///
    /// # Errors
    /// When there is no address, one of them is none, or TLS is wanted and can't be had.
    pub fn of(name: &'static str, config: &ClientConfig) -> Result<Self, ChannelError> {
        let instance = |address: &String| Instance::at(address).map_err(|source| ChannelError::Address { client: name, source });
        let instances: Vec<Instance> = config.addresses.iter().map(instance).collect::<Result<_, _>>()?;
        if instances.is_empty() {
            return Err(ChannelError::NoAddress { client: name });
        }
        Self::to(name, Arc::<[Instance]>::from(instances), config)
    }

    /// To the instances that are there at each call, whatever addresses the configuration has.
    ///
    /// # Errors
    /// When TLS is wanted and can't be had.
    pub fn to(name: &'static str, instances: impl Instances, config: &ClientConfig) -> Result<Self, ChannelError> {
        Self::to_shared(name, Arc::new(instances), config)
    }

    pub(crate) fn to_shared(name: &'static str, instances: Arc<dyn Instances>, config: &ClientConfig) -> Result<Self, ChannelError> {
        Ok(Self(Arc::new(Carrier::Pool(Box::new(Pool::new(name, instances, config)?)))))
    }

    /// To a service in this process: no port, no bytes.
    pub fn local<S, B>(service: S) -> Self
    where
        S: LocalService<Response = Response<B>, Future: Send>,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Arc::new(Carrier::Local(Box::new(Typed(service)))))
    }

    /// This channel with a layer of tower around it: every request of a client goes through the layer, over whatever the channel
    /// carries it.
    ///
    /// - The service of the layer is cloned for each request, and called once it is ready: what it waits for is a part of the call, and
    ///   of its time.
    /// - What it may repeat stands in the request's extensions, as a [`CallInfo`]. A body is read once: a layer that sends a request
    ///   again keeps its bytes, since the channel takes requests of any body.
    /// - A layer that chooses where a request goes puts that [`Instance`] into the request's extensions.
    /// - A layer that sends nothing says so with [`TransportError::withheld`]. Any other error of its own counts as one after which
    ///   nobody knows whether the request was carried out.
    ///
    /// ```
    /// # fn test() -> Result<(), comms::BoxError> {
    /// use comms::client::Channel;
    /// use comms::config::ClientConfig;
    /// use tower::limit::ConcurrencyLimitLayer;
    ///
    /// let channel = Channel::of("payments", &ClientConfig::at("http://127.0.0.1:8080"))?;
    /// let channel = channel.layered(ConcurrencyLimitLayer::new(8));
    /// # drop(channel);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn layered<L, B>(self, layer: L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Arc::new(Carrier::Layered(Box::new(Typed(layer.layer(self.clone()))), self)))
    }

    /// Whether there are layers, which want to know what passes them.
    pub(crate) fn is_layered(&self) -> bool {
        matches!(&*self.0, Carrier::Layered(..))
    }

    /// Of the client, for errors.
    fn name(&self) -> &'static str {
        match &*self.0 {
            Carrier::Pool(pool) => pool.name(),
            Carrier::Local(_) => THIS_PROCESS,
            Carrier::Home(client, _) => client,
            Carrier::Layered(_, inner) => inner.name(),
        }
    }

    pub(super) fn home(client: &'static str, home: Home) -> Self {
        Self(Arc::new(Carrier::Home(client, home)))
    }

    /// Sends the request to the path and query of its URI, at whichever address.
    ///
    /// # Errors
    /// When no address can be connected to, the connection is lost before the answer begins, or a layer gives up.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        match &*self.0 {
            Carrier::Pool(pool) => pool.send(request).await,
            Carrier::Layered(layers, _) => self.through(&**layers, request).await,
            Carrier::Local(service) => self.through(&**service, arriving(request)).await,
            Carrier::Home(client, home) => match home.get() {
                Some(service) => self.through(service, arriving(request)).await,
                None => {
                    let why = "its services are still being made: call it once the application runs, in a task of `Tasks` for example";
                    Err(TransportError::unreachable(client, &[(THIS_PROCESS.to_owned(), why.to_owned())], None))
                }
            },
        }
    }

    async fn through(&self, service: &dyn Carries, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        service.call(request).await.map_err(|error| TransportError::of_layer(self.name(), error))
    }
}

/// The request without what is the caller's own business.
fn arriving(mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().remove::<CallInfo>();
    request.extensions_mut().remove::<Instance>();
    request
}

impl<B> Service<Request<B>> for Channel
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Response<Body>, TransportError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let channel = self.clone();
        Box::pin(async move { channel.send(request.map(Body::new)).await })
    }
}

/// The addresses.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Carrier::Pool(pool) => pool.fmt(f),
            Carrier::Local(_) | Carrier::Home(..) => f.write_str(THIS_PROCESS),
            Carrier::Layered(_, inner) => inner.fmt(f),
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({self})")
    }
}
