//! RabbitMQ.

mod builder;
mod cluster;
mod ctl;
mod node;
mod settings;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::OnceCell;

pub use self::builder::RabbitMqBuilder;
pub use self::cluster::RabbitMqCluster;
pub use self::ctl::{Permissions, QueueInfo};
use self::node::Node;
use super::process::blocking;
use super::{Certificates, ServerError};

/// What a full disk has left, in bytes: the server has to go on.
const ALMOST_FULL: u64 = 8 << 20;

/// A RabbitMQ server of its own, on loopback, with a temporary directory.
///
/// Needs `rabbitmq-server` (3.10 or newer) and Erlang's `epmd`, nothing else: no management plugin,
/// no service, no root. Starting takes about five seconds on a small machine.
///
/// Dropping it kills the server, waits for its end and removes the directory. It blocks for a
/// moment then; it holds nothing of the runtime, so it may be dropped anywhere and be shared by
/// tests that have a runtime each. All waiting goes by the real clock, also while tokio's is paused.
#[derive(Debug)]
pub struct RabbitMq {
    node: Arc<Node>,
}

impl RabbitMq {
    /// Starts a server with the defaults of [`RabbitMq::builder`].
    ///
    /// # Errors
    /// [`ServerError::NotInstalled`] without the program, [`ServerError::Exited`] and
    /// [`ServerError::Timeout`] (with the end of the server's log) when it does not become ready.
    pub async fn start() -> Result<Self, ServerError> {
        Self::builder().start().await
    }

    /// Options: TLS, the user, plugins, lines of configuration, the deadline.
    pub fn builder() -> RabbitMqBuilder {
        RabbitMqBuilder::default()
    }

    /// One server for all tests of this process, started by whoever comes first.
    ///
    /// Statics are never dropped; the watchdog of the server's directory ends it with the process.
    /// Tests that share it keep apart by [`RabbitMq::add_vhost`] or by the names they use, and must
    /// not kill it.
    ///
    /// # Panics
    /// When the server doesn't start, with the reason.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<RabbitMq> = OnceCell::const_new();
        match SHARED.get_or_try_init(Self::start).await {
            Ok(server) => server,
            Err(error) => panic!("the shared RabbitMQ server did not start: {error}"),
        }
    }

    /// The port for AMQP without TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// The address for AMQP without TLS, for instance as the upstream of a
    /// [`Proxy`](crate::testing::proxy::Proxy).
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// `amqp://user:password@127.0.0.1:port/%2f`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The URL for another virtual host.
    #[must_use]
    pub fn url_for(&self, vhost: &str) -> String {
        self.node.url("amqp", self.address(), vhost)
    }

    /// The URL by way of another address, for instance a proxy's.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        self.node.url("amqp", address, "/")
    }

    /// `amqps://user:password@127.0.0.1:port/%2f`; `None` unless started with
    /// [`RabbitMqBuilder::tls`].
    #[must_use]
    pub fn tls_url(&self) -> Option<String> {
        let address = self.node.tls_address()?;
        Some(self.node.url("amqps", address, "/"))
    }

    /// The address for AMQP over TLS; `None` unless started with [`RabbitMqBuilder::tls`].
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.node.tls_address()
    }

    /// The authority to trust and the client's certificate; `None` unless started with
    /// [`RabbitMqBuilder::tls`].
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.node.certificates()
    }

    /// The last lines that the server logged, to be shown by a failing test.
    #[must_use]
    pub fn log(&self) -> String {
        self.node.daemon.log()
    }

    /// The server's process id while it runs. It is another one after a restart.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.node.daemon.pid()
    }

    /// Kills the server as `kill -9` does: nothing is flushed, clients see a reset. Returns when the
    /// process is gone; does nothing when it is not running.
    ///
    /// # Errors
    /// [`ServerError::Io`] when the operating system refuses.
    pub async fn kill(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.kill()).await
    }

    /// Asks the server to shut down (SIGTERM) and returns when the process is gone. Does nothing
    /// when it is not running.
    ///
    /// # Errors
    /// [`ServerError::Timeout`] when it does not end by itself within the deadline; it is killed then.
    pub async fn stop(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.stop()).await
    }

    /// Starts the server again on the same data and the same ports, after it was killed or stopped;
    /// one that runs is stopped before.
    ///
    /// # Errors
    /// As [`RabbitMq::start`] and [`RabbitMq::stop`].
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.stop().and_then(|()| node.start())).await
    }

    /// Fills the server's disk down to what [`RabbitMqBuilder::disk`] takes for too little, until [`RabbitMq::free_disk`]: the server stops
    /// reading from connections that publish (`connection.blocked`).
    ///
    /// # Errors
    /// [`ServerError::Io`] unless started with [`RabbitMqBuilder::disk`].
    pub async fn fill_disk(&self) -> Result<(), ServerError> {
        self.run(|node| node.sandbox.fill_disk(ALMOST_FULL)).await
    }

    /// Ends a [`RabbitMq::fill_disk`].
    ///
    /// # Errors
    /// [`ServerError::Io`] when it was not filled.
    pub async fn free_disk(&self) -> Result<(), ServerError> {
        self.run(|node| node.sandbox.free_disk()).await
    }

    /// Freezes the server (SIGSTOP): connections stay open, nothing is answered.
    ///
    /// # Errors
    /// [`ServerError::NotRunning`], [`ServerError::Io`] when the operating system refuses, or [`ServerError::Timeout`] when it does not
    /// stand still in time.
    pub async fn pause(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.pause()).await
    }

    /// Ends a [`RabbitMq::pause`] (SIGCONT).
    ///
    /// # Errors
    /// [`ServerError::NotRunning`], or [`ServerError::Io`] when the operating system refuses.
    pub async fn resume(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.resume()).await
    }

    /// Runs blocking work on the node where it doesn't hold up the runtime.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Node) -> Result<T, ServerError> + Send + 'static) -> Result<T, ServerError> {
        let node = Arc::clone(&self.node);
        blocking(move || work(&node)).await
    }
}
