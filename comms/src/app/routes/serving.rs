//! The ports of an application, and what answers there.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join;

use super::PortState;
use super::inside::within;
use crate::app::grpc::Grpc;
use crate::app::site::Front;
use crate::client::Home;
use crate::http::server::{Bound, Server};

/// The port at its stations.
#[derive(Debug)]
pub(super) enum Port {
    Closed,
    Bound(Bound, Arc<Front>),
    Open(Server),
}

impl Port {
    pub(super) fn of(bound: Option<Bound>, front: Front) -> Self {
        bound.map_or(Self::Closed, |bound| Self::Bound(bound, Arc::new(front)))
    }

    fn begin(&mut self) {
        *self = match std::mem::replace(self, Self::Closed) {
            Self::Bound(bound, front) => Self::Open(bound.serve(front)),
            port => port,
        };
    }

    fn server(&self) -> Option<&Server> {
        if let Self::Open(server) = self { Some(server) } else { None }
    }

    async fn drained(&mut self) {
        if let Self::Open(server) = self {
            server.drained().await;
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Closed => None,
            Self::Bound(bound, _) => Some(bound.address()),
            Self::Open(server) => Some(server.address()),
        }
    }
}

/// The requests of an application that runs: what answers them, and the ports that they come through.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(super) front: Arc<Front>,
    pub(super) grpc: Arc<Grpc>,
    pub(super) http: Port,
    /// Of gRPC alone.
    pub(super) own: Port,
    /// Whether the port of HTTP answers gRPC too.
    pub(super) shared: bool,
}

impl Serving {
    /// Clients of what is served here call it from now on.
    pub(crate) fn answer_at(&self, home: &Home) {
        home.open(within(Arc::downgrade(&self.front)));
    }

    /// From here on requests are answered.
    pub(crate) fn begin(&mut self) {
        self.http.begin();
        self.own.begin();
    }

    /// Takes no further request.
    pub(crate) fn stop_taking(&self) {
        self.front.stop();
        for server in [&self.http, &self.own].into_iter().filter_map(Port::server) {
            server.stop_taking();
        }
    }

    /// Waits until every request in hand is answered. Streams that do not end soon are told to.
    pub(crate) async fn drained(&mut self) {
        let drained = join(self.http.drained(), self.own.drained());
        tokio::select! {
            _ = drained => {}
            () = self.grpc.end_streams_late() => {}
        }
    }

    /// Ends every connection and every stream, whatever it is doing.
    pub(crate) fn close(self) {
        self.grpc.end_streams();
        drop((self.http, self.own));
    }

    /// Where HTTP is served.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.http.address()
    }

    /// Where gRPC is served.
    pub(crate) fn grpc_address(&self) -> Option<SocketAddr> {
        self.own.address().or_else(|| self.http.address().filter(|_| self.shared))
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        [&self.http, &self.own].into_iter().filter_map(Port::server).map(Server::connections).sum()
    }

    /// How the ports are doing, for whoever asks later: each with what it is called.
    pub(crate) fn states(&self) -> Vec<(&'static str, PortState)> {
        let named = [("http", &self.http), ("grpc", &self.own)];
        named.into_iter().filter_map(|(name, port)| Some((name, port.server()?.state()))).collect()
    }
}
