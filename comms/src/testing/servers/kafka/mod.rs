//! Apache Kafka.

mod builder;
mod cluster;
mod jars;
mod node;
mod settings;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;

pub use self::builder::KafkaBuilder;
pub use self::cluster::KafkaCluster;
use self::node::Node;
use super::process::blocking;
use super::{Certificates, ServerError};
use crate::testing::proxy::Proxy;

/// An Apache Kafka broker of its own (KRaft: it is its own controller), on loopback, with a temporary directory.
///
/// Needs `java` (17 or newer) and the broker's jars: in the directory that `COMMS_TEST_KAFKA` names, or where
/// `tests/servers/install-kafka` puts them. Starting takes about five seconds on a small machine, and 250 MB. Topics are
/// not made by themselves: clients have to create them.
///
/// Dropping it kills the broker, waits for its end and removes the directory. It blocks for a
/// moment then; it holds nothing of the runtime, so it may be dropped anywhere and be shared by
/// tests that have a runtime each. All waiting goes by the real clock, also while tokio's is paused.
#[derive(Debug)]
pub struct Kafka {
    node: Arc<Node>,
    proxy: Option<Proxy>,
}

impl Kafka {
    /// Starts a broker with the defaults of [`Kafka::builder`].
    ///
    /// # Errors
    /// [`ServerError::NotInstalled`] without Java or the jars, [`ServerError::Exited`] and
    /// [`ServerError::Timeout`] (with the end of the broker's log) when it does not become ready.
    pub async fn start() -> Result<Self, ServerError> {
        Self::builder().start().await
    }

    /// Options: TLS, users, lines of configuration, the deadline.
    pub fn builder() -> KafkaBuilder {
        KafkaBuilder::default()
    }

    /// One broker for all tests of this process, started by whoever comes first.
    ///
    /// Statics are never dropped; the watchdog of the broker's directory ends it with the process.
    /// Tests that share it keep apart by the names they use, and must not kill it.
    ///
    /// # Panics
    /// When the broker doesn't start, with the reason.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Kafka> = OnceCell::const_new();
        match SHARED.get_or_try_init(Self::start).await {
            Ok(server) => server,
            Err(error) => panic!("the shared Kafka broker did not start: {error}"),
        }
    }

    fn of(node: Node) -> Self {
        Self { node: Arc::new(node), proxy: None }
    }

    /// The address without TLS and without authentication.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// `kafka://127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("kafka://{}/", self.address())
    }

    /// `kafka://user:password@127.0.0.1:port/`, where only the users of the builder are let in; `None` unless started with
    /// [`KafkaBuilder::user`].
    #[must_use]
    pub fn sasl_url(&self) -> Option<String> {
        self.node.sasl_url()
    }

    /// `kafkas://127.0.0.1:port/`; `None` unless started with [`KafkaBuilder::tls`].
    #[must_use]
    pub fn tls_url(&self) -> Option<String> {
        Some(format!("kafkas://{}/", self.node.tls_address()?))
    }

    /// `kafka://127.0.0.1:port/` of the proxy, through which all connections of a client go then: the broker names no other way.
    /// `None` unless started with [`KafkaBuilder::proxied`].
    #[must_use]
    pub fn proxy_url(&self) -> Option<String> {
        Some(format!("kafka://{}/", self.proxy()?.addr()))
    }

    /// The proxy, to break what goes through it; `None` unless started with [`KafkaBuilder::proxied`].
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The authority to trust and the client's certificate; `None` unless started with [`KafkaBuilder::tls`].
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.node.certificates()
    }

    /// Where the broker keeps what is published: a directory for each partition.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        self.node.sandbox.data_directory()
    }

    /// The last lines that the broker logged, to be shown by a failing test.
    #[must_use]
    pub fn log(&self) -> String {
        self.node.daemon.log()
    }

    /// The broker's process id while it runs. It is another one after a restart.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.node.daemon.pid()
    }

    /// Kills the broker as `kill -9` does: nothing is flushed, clients see a reset. Returns when the
    /// process is gone; does nothing when it is not running.
    ///
    /// # Errors
    /// [`ServerError::Io`] when the operating system refuses.
    pub async fn kill(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.kill()).await
    }

    /// Asks the broker to shut down (SIGTERM) and returns when the process is gone. Does nothing
    /// when it is not running.
    ///
    /// # Errors
    /// [`ServerError::Timeout`] when it does not end by itself within the deadline; it is killed then.
    pub async fn stop(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.stop()).await
    }

    /// Starts the broker again on the same data and the same ports, after it was killed or stopped;
    /// one that runs is stopped before.
    ///
    /// # Errors
    /// As [`Kafka::start`] and [`Kafka::stop`].
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.stop().and_then(|()| node.start())).await
    }

    /// Fills the broker's disk to the last byte, until [`Kafka::free_disk`]. A broker that can't write to its only disk ends by itself, which is
    /// waited for, and comes back with [`Kafka::restart`].
    ///
    /// # Errors
    /// [`ServerError::Io`] unless started with [`KafkaBuilder::disk`]; [`ServerError::Timeout`] when the broker goes on: nobody made it write.
    pub async fn fill_disk(&self) -> Result<(), ServerError> {
        self.run(|node| node.sandbox.fill_disk(0).and_then(|()| node.daemon.await_end())).await
    }

    /// Ends a [`Kafka::fill_disk`].
    ///
    /// # Errors
    /// [`ServerError::Io`] when it was not filled.
    pub async fn free_disk(&self) -> Result<(), ServerError> {
        self.run(|node| node.sandbox.free_disk()).await
    }

    /// Freezes the broker (SIGSTOP): connections stay open, nothing is answered.
    ///
    /// # Errors
    /// [`ServerError::NotRunning`], [`ServerError::Io`] when the operating system refuses, or [`ServerError::Timeout`] when it does not
    /// stand still in time.
    pub async fn pause(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.pause()).await
    }

    /// Ends a [`Kafka::pause`] (SIGCONT).
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
