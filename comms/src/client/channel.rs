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
use tower_service::Service;

use super::local::{Local, Typed};
use super::pool::Pool;
use super::{ChannelError, Home, Instance, Instances, TransportError};
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
#[derive(Clone)]
pub struct Channel(Arc<Carrier>);

enum Carrier {
    Pool(Box<Pool>),
    Local(Box<dyn Local>),
    /// To the application that the client belongs to.
    Home(&'static str, Home),
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
        Ok(Self(Arc::new(Carrier::Pool(Box::new(Pool::new(name, Arc::new(instances), config)?)))))
    }

    /// To a service in this process: no port, no bytes.
    pub fn local<S, B>(service: S) -> Self
    where
        S: LocalService<Response = Response<B>, Future: Send>,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Arc::new(Carrier::Local(Box::new(Typed(service)))))
    }

    pub(super) fn home(client: &'static str, home: Home) -> Self {
        Self(Arc::new(Carrier::Home(client, home)))
    }

    /// Sends the request to the path and query of its URI, at whichever address.
    ///
    /// # Errors
    /// When no address can be connected to, or the connection is lost before the answer begins.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        match &*self.0 {
            Carrier::Pool(pool) => pool.send(request).await,
            Carrier::Local(service) => Ok(service.call(request).await),
            Carrier::Home(client, home) => match home.get() {
                Some(service) => Ok(service.call(request).await),
                None => {
                    let why = "its services are still being made: call it once the application runs, in a task of `Tasks` for example";
                    Err(TransportError::unreachable(client, &[(THIS_PROCESS.to_owned(), why.to_owned())], None))
                }
            },
        }
    }
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
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({self})")
    }
}
