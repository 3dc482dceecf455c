//! The URL of a RabbitMQ server and its options.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::route::Route;
use crate::broker::Capabilities;
use crate::broker::url::join_hosts;

pub(super) use crate::broker::url::config_error;

/// How queues are made: replicated by Raft, or the older kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum QueueKind {
    /// Quorum queues: replicated, they count deliveries.
    #[default]
    Quorum,
    /// Classic durable queues: lighter; on one node only, and they tell only *whether* a message was delivered before.
    Classic,
}

/// Where and how to connect: `amqp://user:password@host1:5672,host2:5672/vhost?option=value&..`.
///
/// The vhost is percent-encoded and `/` when left out; user and password are `guest` when left out.
/// `amqps://` needs the feature `rabbitmq-tls`. The options:
///
/// | option | default | meaning |
/// |---|---|---|
/// | `heartbeat` | `10s` | a peer that is silent for twice as long is taken for dead |
/// | `connection_name` | the service's name | what the server shows for the connection |
/// | `connect_timeout` | `10s` | how long the first connection is tried for |
/// | `publish_timeout` | `30s` | how long a publish may wait when its message has no deadline |
/// | `window` | `1024` | how many messages may be published and not yet confirmed |
/// | `consumer_timeout` | `30m` | what the server's `consumer_timeout` is, or `off`: handlers that may take longer are refused |
/// | `queue` | `quorum` | `quorum` or `classic` |
/// | `max_priority` | | classic queues only: how many priorities queues of unordered subscriptions tell apart, 1 to 255 |
/// | `single_active` | `false` | whether one member at a time gets messages of an unordered subscription, the others waiting in reserve |
/// | `exchange` | `comms` | the topic exchange that everything is published to |
/// | `route` | | a topic that is on an exchange of somebody else's, `TOPIC:KIND:EXCHANGE:KEY`: see [`Route`]; may be said several times |
/// | `ladder` | `1s,5s,15s,1m,5m,15m,1h` | the delays of retries, ascending |
/// | `max_message` | `16MiB` | larger payloads are refused before they are sent |
/// | `ca`, `cert`, `key` | | PEM files for TLS: authority to trust, client certificate and its key |
///
/// Neither `Debug` nor `Display` nor any error shows the password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RabbitMqConfig {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The user.
    pub user: String,
    pub(super) password: String,
    /// The servers, tried in turn: host and port.
    pub hosts: Vec<(String, u16)>,
    /// The virtual host.
    pub vhost: String,
    /// The heartbeat in whole seconds.
    pub heartbeat: Duration,
    /// What the server shows for the connection.
    pub connection_name: Option<String>,
    /// How long the first connection is tried for.
    pub connect_timeout: Duration,
    /// How long a publish may wait when its message has no deadline.
    pub publish_timeout: Duration,
    /// How many messages may be published and not yet confirmed.
    pub window: usize,
    /// How long the server lets a member hold a message unsettled; then it closes the member's channel. Nothing: as long as it likes.
    pub consumer_timeout: Option<Duration>,
    /// How queues are made.
    pub queue: QueueKind,
    /// How many priorities the queues of unordered subscriptions tell apart; classic queues only.
    pub max_priority: Option<u8>,
    /// Whether one member at a time gets messages of an unordered subscription.
    pub single_active: bool,
    /// The topic exchange.
    pub exchange: String,
    /// Topics that are on other exchanges.
    pub routes: Vec<Route>,
    /// The delays of retries, ascending and never empty.
    pub ladder: Vec<Duration>,
    /// The largest payload in bytes.
    pub max_message: usize,
    /// PEM file with the authorities to trust.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file with the key of the client's certificate.
    pub key: Option<PathBuf>,
}

impl Default for RabbitMqConfig {
    fn default() -> Self {
        Self {
            tls: false,
            user: "guest".to_owned(),
            password: "guest".to_owned(),
            hosts: vec![("localhost".to_owned(), 5672)],
            vhost: "/".to_owned(),
            heartbeat: Duration::from_secs(10),
            connection_name: None,
            connect_timeout: Duration::from_secs(10),
            publish_timeout: Duration::from_secs(30),
            window: 1024,
            consumer_timeout: Some(Duration::from_secs(30 * 60)),
            queue: QueueKind::Quorum,
            max_priority: None,
            single_active: false,
            exchange: "comms".to_owned(),
            routes: Vec::new(),
            ladder: [1, 5, 15, 60, 300, 900, 3600].map(Duration::from_secs).to_vec(),
            max_message: 16 << 20,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl RabbitMqConfig {
    /// What a broker with this configuration can do.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let settle_within = self.consumer_timeout;
        Capabilities { durable: true, delayed: true, reports_unrouted: true, settle_within, ..Capabilities::none() }
    }

    /// Where the topic is, if not on the exchange of everything else.
    pub(super) fn route(&self, topic: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.topic == topic)
    }
}

impl fmt::Display for RabbitMqConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let hosts = join_hosts(&self.hosts);
        write!(f, "{scheme}://{}@{hosts}/{}", self.user, self.vhost.replace('/', "%2f"))
    }
}

impl fmt::Debug for RabbitMqConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RabbitMqConfig").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
