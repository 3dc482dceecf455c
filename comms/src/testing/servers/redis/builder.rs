//! How a server is to be started.

use std::sync::Arc;
use std::time::Duration;

use super::Redis;
use super::node::Node;
use crate::testing::servers::process::blocking;
use crate::testing::servers::{Certificates, ServerError};

/// Options of a [`Redis`] server.
#[derive(Debug, Clone)]
#[must_use = "nothing runs until `start` is called"]
pub struct RedisBuilder {
    pub(super) password: String,
    pub(super) persistent: bool,
    pub(super) users: Vec<String>,
    pub(super) tls: bool,
    pub(super) client_certificate_required: bool,
    /// Those of another server, to be used here too.
    pub(super) shared_certificates: Option<Certificates>,
    pub(super) config: Vec<String>,
    pub(super) disk: Option<u64>,
    /// It is a sentinel, and no server.
    pub(super) is_sentinel: bool,
    pub(super) deadline: Duration,
}

impl Default for RedisBuilder {
    fn default() -> Self {
        Self {
            password: "secret".to_owned(),
            persistent: true,
            users: Vec::new(),
            tls: false,
            client_certificate_required: false,
            shared_certificates: None,
            config: Vec::new(),
            disk: None,
            is_sentinel: false,
            deadline: Duration::from_secs(60),
        }
    }
}

impl RedisBuilder {
    /// The password of the user `default`, who may do everything; default `secret`.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Whether every write is on disk before it is answered (`appendonly yes`, `appendfsync always`). Default: yes;
    /// without it a killed server comes back empty.
    pub fn persistent(mut self, on: bool) -> Self {
        self.persistent = on;
        self
    }

    /// Adds a user by a rule of Redis's ACL, for instance `reader on >password ~comms:* +@read`.
    pub fn user(mut self, rule: impl Into<String>) -> Self {
        self.users.push(rule.into());
        self
    }

    /// Listens for TLS too, on a port of its own, with certificates made for this server. A client
    /// certificate is verified when the client shows one. Default: off.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Listens for TLS and refuses clients without a certificate of the server's authority.
    pub fn require_client_certificate(mut self) -> Self {
        self.tls = true;
        self.client_certificate_required = true;
        self
    }

    /// Makes it a replica of another server; it answers before it has that one's data.
    pub fn replica_of(self, master: &Redis) -> Self {
        let (address, password) = (master.address(), &master.node.options().password);
        self.config(format!("replicaof {} {}", address.ip(), address.port())).config(format!("masterauth {password}"))
    }

    /// Adds a line to `redis.conf`, for instance `maxmemory 10mb`.
    pub fn config(mut self, line: impl Into<String>) -> Self {
        self.config.push(line.into());
        self
    }

    /// Keeps its data on a small disk of its own, of so many bytes: see [`fill_disk`](Redis::fill_disk). It is in memory. Default: none.
    pub fn disk(mut self, bytes: u64) -> Self {
        self.disk = Some(bytes);
        self
    }

    /// How long the server may take to become ready, and to stop; default 60 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Starts the server and returns when it answers.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start(self) -> Result<Redis, ServerError> {
        let node = blocking(move || {
            let node = Node::prepare(self)?;
            node.start().map(|()| node)
        })
        .await?;
        Ok(Redis { node: Arc::new(node) })
    }
}
