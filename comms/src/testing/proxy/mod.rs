//! A TCP proxy that breaks connections in the ways that networks do.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use std::time::Duration;
//!
//! use comms::testing::proxy::Proxy;
//!
//! let server = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let proxy = Proxy::start(server.local_addr()?).await?;
//! let client = tokio::net::TcpStream::connect(proxy.addr()).await?; // instead of the server's address
//! # let _ = client;
//! proxy.delay(Duration::from_millis(50)); // each way
//! proxy.cut().await; // all connections are reset, new ones are refused
//! assert!(tokio::net::TcpStream::connect(proxy.addr()).await.is_err());
//! proxy.heal().await?; // everything passes again, without delay
//! # Ok(())
//! # }
//! ```

mod connection;
mod faults;
mod listener;
mod pump;
mod shared;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::faults::Faults;
use self::listener::Listener;
use self::shared::Shared;

/// A proxy on a loopback port of its own, in front of one server.
///
/// One fault of the kind cut / half-open is in force at a time, the latest; [`Proxy::delay`] and
/// [`Proxy::throttle`] add to it. [`Proxy::heal`] takes all of them back. Dropping the proxy resets
/// its connections and gives the port free.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    faults: watch::Sender<Faults>,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port and passes each connection on to `upstream`. A client whose
    /// connection can't be passed on is reset.
    ///
    /// Must be called within a tokio runtime, which carries the traffic.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let (faults, watched) = watch::channel(Faults::default());
        let shared = Arc::new(Shared::default());
        let listener = Listener::new(upstream, watched, Arc::clone(&shared))?;
        Ok(Self { addr: listener.addr(), faults, shared, listener: tokio::spawn(listener.run()) })
    }

    /// Where clients connect to. It stays the same over cuts.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Resets all connections and refuses new ones, as a server that died, until
    /// [`Proxy::heal`]. Returns when that is done.
    pub async fn cut(&self) {
        self.apply(Faults::cut).await;
    }

    /// Resets all connections once, and accepts new ones. Returns when the old ones are gone.
    pub async fn drop_connections(&self) {
        self.apply(Faults::drop_connections).await;
    }

    /// Keeps connections open and accepts new ones, but swallows every byte and every close in both
    /// directions, as a network that lost its way, until [`Proxy::heal`]. What was swallowed is
    /// gone, so healing resets the connections that lost something and those that were accepted
    /// meanwhile; the others go on.
    ///
    /// # Errors
    /// After a cut, when the port can't be listened on again.
    pub async fn half_open(&self) -> io::Result<()> {
        self.apply(Faults::half_open).await;
        self.listening()
    }

    /// Delivers what is sent, in each direction, this much later than it was sent. Zero ends it.
    /// The throughput stays the same, up to what fits into a buffer of one MiB per direction.
    pub fn delay(&self, delay: Duration) {
        self.faults.send_modify(|faults| faults.delay = delay);
    }

    /// Lets through at most so many bytes per second, on each connection and in each direction.
    /// Zero lets nothing through, and nothing gets lost.
    pub fn throttle(&self, bytes_per_second: u64) {
        self.faults.send_modify(|faults| faults.bytes_per_second = Some(bytes_per_second));
    }

    /// Ends all faults. Returns when new connections are accepted and those that lost bytes in
    /// [`Proxy::half_open`] are reset.
    ///
    /// # Errors
    /// After a cut, when the port can't be listened on again.
    pub async fn heal(&self) -> io::Result<()> {
        self.apply(Faults::heal).await;
        self.listening()
    }

    /// Changes the faults and waits until the listener and the connections have followed.
    async fn apply(&self, change: impl FnOnce(&mut Faults)) {
        self.faults.send_modify(|faults| {
            faults.revision += 1;
            change(faults);
        });
        let wanted = self.faults.borrow().clone();
        self.shared.until_agreed(&wanted).await;
    }

    fn listening(&self) -> io::Result<()> {
        match &self.shared.state.borrow().failure {
            None => Ok(()),
            Some(reason) => Err(io::Error::other(format!("could not listen on {} again: {reason}", self.addr))),
        }
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state.borrow().open.len()
    }

    /// How many connections were accepted since the start.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.state.borrow().accepted
    }

    /// How many bytes were delivered to the server.
    #[must_use]
    pub fn bytes_to_upstream(&self) -> u64 {
        self.shared.to_upstream.get()
    }

    /// How many bytes were delivered to clients.
    #[must_use]
    pub fn bytes_to_clients(&self) -> u64 {
        self.shared.to_clients.get()
    }

    /// How many bytes were swallowed in [`Proxy::half_open`], both directions together.
    #[must_use]
    pub fn bytes_swallowed(&self) -> u64 {
        self.shared.swallowed.get()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
