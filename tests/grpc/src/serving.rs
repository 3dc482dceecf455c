//! A stock that is served over a loopback socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use comms::grpc::tonic::transport::{Channel, Endpoint};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::proto::shop::inventory::v1::{InventoryClient, InventoryServer};
use crate::stock::{Seen, Stock};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A client over a channel of tonic's own.
pub type OverTonic = InventoryClient<Channel>;

/// A server, gone when dropped, with its connections.
///
/// Nothing but HTTP/2 stands around the generated adapter: tonic's own server keeps a second clock for `grpc-timeout`, and its answer,
/// another one, comes first when a millisecond ends between the two.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its handlers did.
    pub seen: Arc<Seen>,
    server: JoinHandle<()>,
}

impl Serving {
    /// Serves a stock.
    ///
    /// # Panics
    /// When no port of the loopback interface can be had.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(|server| server)
    }

    /// Serves a stock with other settings.
    ///
    /// # Panics
    /// When no port of the loopback interface can be had.
    #[must_use]
    pub fn start_with(settings: impl FnOnce(InventoryServer<Stock>) -> InventoryServer<Stock>) -> Self {
        let stock = Stock::default();
        let seen = Arc::clone(&stock.seen);
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap_or_else(|error| panic!("no port: {error}"));
        listener.set_nonblocking(true).unwrap_or_else(|error| panic!("the port blocks: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let server = tokio::spawn(serve(listener, settings(InventoryServer::new(stock))));
        Self { address, seen, server }
    }

    /// A connection of its own.
    ///
    /// # Panics
    /// Never: the address is one.
    #[must_use]
    pub fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap_or_else(|error| panic!("no address: {error}"));
        endpoint.connect_lazy()
    }

    /// A client with a connection of its own.
    #[must_use]
    pub fn client(&self) -> OverTonic {
        InventoryClient::new(self.channel())
    }
}

async fn serve(listener: std::net::TcpListener, service: InventoryServer<Stock>) {
    let listener = TcpListener::from_std(listener).unwrap_or_else(|error| panic!("no listener: {error}"));
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await.unwrap_or_else(|error| panic!("no connection: {error}"));
        connection.set_nodelay(true).unwrap_or_else(|error| panic!("the connection waits: {error}"));
        let serving =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(connection), TowerToHyperService::new(service.clone()));
        // Clients that go away in the middle of a frame are what some tests are about.
        connections.spawn(async move { drop(serving.await) });
        while connections.try_join_next().is_some() {}
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Waits until the number is as wanted.
///
/// # Panics
/// When it is not in time; says what it is.
pub async fn until(what: &str, number: &AtomicUsize, wanted: impl Fn(usize) -> bool) {
    let reached = async {
        while !wanted(number.load(Ordering::SeqCst)) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    assert!(reached.is_ok(), "{what}: still {}", number.load(Ordering::SeqCst));
}
