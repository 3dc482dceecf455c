//! How a server is to be started.

use std::sync::Arc;
use std::time::Duration;

use super::RabbitMq;
use super::node::Node;
use crate::testing::servers::ServerError;
use crate::testing::servers::process::blocking;

/// Options of a [`RabbitMq`] server.
#[derive(Debug, Clone)]
#[must_use = "nothing runs until `start` is called"]
pub struct RabbitMqBuilder {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) tls: bool,
    pub(super) client_certificate_required: bool,
    pub(super) plugins: Vec<String>,
    pub(super) config: Vec<String>,
    pub(super) disk: Option<u64>,
    pub(super) deadline: Duration,
}

impl Default for RabbitMqBuilder {
    fn default() -> Self {
        Self {
            user: "guest".to_owned(),
            password: "guest".to_owned(),
            tls: false,
            client_certificate_required: false,
            plugins: Vec::new(),
            config: Vec::new(),
            disk: None,
            deadline: Duration::from_secs(90),
        }
    }
}

impl RabbitMqBuilder {
    /// The administrator that exists from the start; default `guest`, `guest`.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = name.into();
        self.password = password.into();
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

    /// Enables a plugin, for instance `rabbitmq_auth_mechanism_ssl`. Default: none.
    pub fn plugin(mut self, name: impl Into<String>) -> Self {
        self.plugins.push(name.into());
        self
    }

    /// Adds a line to `rabbitmq.conf`, for instance `consumer_timeout = 10000`.
    pub fn config(mut self, line: impl Into<String>) -> Self {
        self.config.push(line.into());
        self
    }

    /// Keeps its data on a small disk of its own, of so many bytes: see [`fill_disk`](RabbitMq::fill_disk). It is in memory, and
    /// of at least 64 MiB: less than 16 MiB free is too little for the server. Default: none.
    pub fn disk(mut self, bytes: u64) -> Self {
        self.disk = Some(bytes);
        self
    }

    /// How long the server may take to become ready, and to stop; default 90 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Starts the server and returns when it accepts AMQP connections.
    ///
    /// # Errors
    /// As [`RabbitMq::start`].
    pub async fn start(self) -> Result<RabbitMq, ServerError> {
        let node = blocking(move || {
            let node = Node::prepare(self)?;
            node.start().map(|()| node)
        })
        .await?;
        Ok(RabbitMq { node: Arc::new(node) })
    }
}
