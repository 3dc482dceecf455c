//! How a broker is to be started.

use std::time::Duration;

use super::Kafka;
use super::node::Node;
use super::settings::Seats;
use crate::testing::proxy::Proxy;
use crate::testing::servers::ServerError;
use crate::testing::servers::error::Attempt;
use crate::testing::servers::process::blocking;

/// Options of a [`Kafka`] broker.
#[derive(Debug, Clone)]
#[must_use = "nothing runs until `start` is called"]
pub struct KafkaBuilder {
    pub(super) user: Option<(String, String)>,
    pub(super) tls: bool,
    pub(super) client_certificate_required: bool,
    pub(super) proxied: bool,
    pub(super) config: Vec<String>,
    pub(super) disk: Option<u64>,
    pub(super) deadline: Duration,
}

impl Default for KafkaBuilder {
    fn default() -> Self {
        let deadline = Duration::from_secs(120);
        Self { user: None, tls: false, client_certificate_required: false, proxied: false, config: Vec::new(), disk: None, deadline }
    }
}

impl KafkaBuilder {
    /// Listens on a further port for a user with a password too, by SASL PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. Neither may
    /// hold a quote or a comma. Default: none.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some((name.into(), password.into()));
        self
    }

    /// Listens for TLS too, on a port of its own, with certificates made for this broker. A client
    /// certificate is verified when the client shows one. Default: off.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Listens for TLS and refuses clients without a certificate of the broker's authority.
    pub fn require_client_certificate(mut self) -> Self {
        self.tls = true;
        self.client_certificate_required = true;
        self
    }

    /// Puts a [`Proxy`] before a further port: see [`Kafka::proxy_url`]. It belongs to the runtime that starts the broker. Default: none.
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// Adds a line to `server.properties`, for instance `message.max.bytes=1000`.
    pub fn config(mut self, line: impl Into<String>) -> Self {
        self.config.push(line.into());
        self
    }

    /// Keeps its data on a small disk of its own, of so many bytes: see [`fill_disk`](Kafka::fill_disk). It is in memory. Default: none.
    pub fn disk(mut self, bytes: u64) -> Self {
        self.disk = Some(bytes);
        self
    }

    /// How long the broker may take to become ready, and to stop; default 120 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Starts the broker and returns when it answers clients.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn start(self) -> Result<Kafka, ServerError> {
        let [mut seat] = Seats::reserve::<1>(&self)?;
        let proxy = match seat.proxied_address() {
            Some(address) => Some(Proxy::start(address).await.attempt(|| format!("start a proxy before {address}"))?),
            None => None,
        };
        seat.proxy = proxy.as_ref().map(Proxy::addr);
        let node = blocking(move || {
            let node = Node::prepare(self, seat)?;
            node.start().map(|()| node)
        })
        .await?;
        Ok(Kafka { proxy, ..Kafka::of(node) })
    }
}
