//! Redis.

mod builder;
mod cluster;
mod node;
mod sentinel;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::OnceCell;

pub use self::builder::RedisBuilder;
pub use self::cluster::RedisCluster;
use self::node::Node;
pub use self::sentinel::{RedisSentinel, RedisSentinelBuilder};
use super::process::blocking;
use super::{Certificates, ServerError};

/// A Redis server of its own, on loopback, with a temporary directory.
///
/// Needs `redis-server` (7.0 or newer) and `redis-cli`, nothing else: no service, no root. Unless told otherwise it
/// has every write on disk before it answers, so that a kill loses nothing.
///
/// Dropping it kills the server, waits for its end and removes the directory. It blocks for a
/// moment then; it holds nothing of the runtime, so it may be dropped anywhere and be shared by
/// tests that have a runtime each. All waiting goes by the real clock, also while tokio's is paused.
#[derive(Debug)]
pub struct Redis {
    node: Arc<Node>,
}

impl Redis {
    /// Starts a server with the defaults of [`Redis::builder`].
    ///
    /// # Errors
    /// [`ServerError::NotInstalled`] without the programs, [`ServerError::Exited`] and
    /// [`ServerError::Timeout`] (with the end of the server's log) when it does not become ready.
    pub async fn start() -> Result<Self, ServerError> {
        Self::builder().start().await
    }

    /// Options: TLS, users, persistence, lines of configuration, the deadline.
    pub fn builder() -> RedisBuilder {
        RedisBuilder::default()
    }

    /// One server for all tests of this process, started by whoever comes first.
    ///
    /// Statics are never dropped; the watchdog of the server's directory ends it with the process.
    /// Tests that share it keep apart by [`Redis::url_for`] or by the names they use, and must not kill it.
    ///
    /// # Panics
    /// When the server doesn't start, with the reason.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Redis> = OnceCell::const_new();
        match SHARED.get_or_try_init(|| Self::builder().config("databases 1000").start()).await {
            Ok(server) => server,
            Err(error) => panic!("the shared Redis server did not start: {error}"),
        }
    }

    /// The address without TLS, for instance as the upstream of a [`Proxy`](crate::testing::proxy::Proxy).
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// `redis://default:password@127.0.0.1:port/0`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(0)
    }

    /// The URL of another database: keys of one are not seen in the others. The shared server has 1000.
    #[must_use]
    pub fn url_for(&self, database: u32) -> String {
        self.node.url("redis", self.address(), database)
    }

    /// `rediss://default:password@127.0.0.1:port/0`; `None` unless started with [`RedisBuilder::tls`].
    #[must_use]
    pub fn tls_url(&self) -> Option<String> {
        Some(self.node.url("rediss", self.tls_address()?, 0))
    }

    /// The address for TLS; `None` unless started with [`RedisBuilder::tls`].
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.node.tls_address()
    }

    /// The authority to trust and the client's certificate; `None` unless started with [`RedisBuilder::tls`].
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.node.certificates()
    }

    /// Runs `redis-cli` as the user `default` with these arguments, and returns what it printed.
    ///
    /// # Errors
    /// [`ServerError::NotRunning`], and [`ServerError::Command`] when it fails.
    pub async fn cli(&self, arguments: &[&str]) -> Result<String, ServerError> {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.run(move |node| node.cli(&arguments)).await
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
    /// As [`Redis::start`] and [`Redis::stop`].
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.run(|node| node.daemon.stop().and_then(|()| node.start())).await
    }

    /// Fills the server's disk to the last byte, until [`Redis::free_disk`]: it refuses what would be written (`MISCONF`). One that writes
    /// every command to the disk before it answers (`appendfsync always`, the builder's default) ends by itself instead.
    ///
    /// # Errors
    /// [`ServerError::Io`] unless started with [`RedisBuilder::disk`].
    pub async fn fill_disk(&self) -> Result<(), ServerError> {
        self.run(|node| node.sandbox.fill_disk(0)).await
    }

    /// Ends a [`Redis::fill_disk`].
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

    /// Ends a [`Redis::pause`] (SIGCONT).
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
