//! The URL of a Kafka cluster and its options.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::broker::url::join_hosts;

pub(super) use crate::broker::url::config_error;

/// How batches are compressed on their way and on the brokers' disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By zlib.
    Gzip,
    /// Fast.
    Snappy,
    /// Fast, and a little smaller.
    Lz4,
    /// Smallest, for a little more work.
    Zstd,
}

/// How user and password are shown to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Sasl {
    /// As they are; only sensible over TLS or within one machine.
    #[default]
    Plain,
    /// Without telling the password; needs the feature `kafka-tls`.
    ScramSha256,
    /// The same with the longer hash.
    ScramSha512,
    /// By tokens of an OpenID provider, which gives them for user and password (client id and secret) at `token_url`; needs the feature
    /// `kafka-oauth`.
    OAuthBearer,
}

/// Where and how to connect: `kafka://user:password@host1:9092,host2:9092/?option=value&..`.
///
/// `kafkas://` speaks TLS and needs the feature `kafka-tls`. Without a user nobody logs in. The options:
///
/// | option | default | meaning |
/// |---|---|---|
/// | `client_id` | the service's name | what the brokers show for the connection |
/// | `connect_timeout` | `10s` | how long the first connection is tried for |
/// | `publish_timeout` | `30s` | how long a publish may wait; a message's own deadline shortens it |
/// | `window` | `1024` | how many messages may be published and not yet confirmed |
/// | `linger` | `0ms` | how long a message waits for others to share its batch |
/// | `compression` | `none` | `none`, `gzip`, `snappy`, `lz4` or `zstd` |
/// | `max_message` | `16MiB` | larger payloads are refused before they are sent; topics are made to take as much |
/// | `partitions` | `8` | of topics that have to be made |
/// | `prefix` | | stands before the names of all topics and groups, for several environments on one cluster |
/// | `replication` | the broker's | how many brokers keep each of those topics |
/// | `ladder` | `1s,5s,15s,1m,5m,15m,1h` | the delays of retries, ascending |
/// | `silence` | `10s` | a broker that answers nothing for so long is taken for lost |
/// | `session_timeout` | `45s` | a member that is silent for so long is taken for dead |
/// | `heartbeat` | `1s` | how often a member says that it lives, and so how soon it hears of others |
/// | `drain_timeout` | `30s` | how long a partition that moves to another member waits for what is in hand |
/// | `instance` | | keeps a member's partitions over its restart (static membership); another name for each instance |
/// | `transaction_timeout` | `10s` | how long a transaction may take; one whose process was killed holds up those who read its topics for so long |
/// | `refresh` | `5s` | how soon a pattern sees new topics |
/// | `statistics` | `10s` | how often librdkafka reports what the metrics say of its clients; `0s` for never |
/// | `sasl` | `plain` | `plain`, `scram-sha-256`, `scram-sha-512` or `oauthbearer`; needs a user |
/// | `token_url` | | where tokens are given for user and password, with `sasl=oauthbearer` |
/// | `token_scope` | | what the tokens are asked for |
/// | `token_extensions` | | what the brokers are told beside the token, `name=value,name=value` |
/// | `token_ca` | the system's | PEM file with the authorities to trust at `token_url` |
/// | `ca`, `cert`, `key` | | PEM files for TLS: authority to trust, client certificate and its key |
///
/// Neither `Debug` nor `Display` nor any error shows the password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaConfig {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The user; nobody logs in without.
    pub user: Option<String>,
    pub(super) password: String,
    /// The brokers to ask first: host and port.
    pub hosts: Vec<(String, u16)>,
    /// What the brokers show for the connection.
    pub client_id: Option<String>,
    /// How long the first connection is tried for.
    pub connect_timeout: Duration,
    /// How long a publish may wait.
    pub publish_timeout: Duration,
    /// How many messages may be published and not yet confirmed.
    pub window: usize,
    /// How long a message waits for others to share its batch.
    pub linger: Duration,
    /// How batches are compressed.
    pub compression: Compression,
    /// The largest payload in bytes.
    pub max_message: usize,
    /// How many partitions a topic gets that has to be made.
    pub partitions: u16,
    /// What stands before the names of all topics and groups.
    pub prefix: String,
    /// How many brokers keep it; the broker's own default when it is not set.
    pub replication: Option<u16>,
    /// The delays of retries, ascending and never empty.
    pub ladder: Vec<Duration>,
    /// A broker that answers nothing for so long is taken for lost.
    pub silence: Duration,
    /// A member that is silent for so long is taken for dead.
    pub session_timeout: Duration,
    /// How often a member says that it lives.
    pub heartbeat: Duration,
    /// How long a partition that moves waits for what is in hand.
    pub drain_timeout: Duration,
    /// The name of this instance, for static membership.
    pub instance: Option<String>,
    /// How long a transaction of a transactional handler may take.
    pub transaction_timeout: Duration,
    /// How soon a pattern sees new topics.
    pub refresh: Duration,
    /// How often librdkafka reports what the metrics say of its clients; zero for never.
    pub statistics: Duration,
    /// How user and password are shown.
    pub sasl: Sasl,
    /// Where tokens are given for user and password.
    pub token_url: Option<String>,
    /// What tokens are asked for.
    pub token_scope: Option<String>,
    /// What the brokers are told beside the token: `name=value,name=value`.
    pub token_extensions: Option<String>,
    /// PEM file with the authorities to trust where tokens are given; the system's when it is not set.
    pub token_ca: Option<PathBuf>,
    /// PEM file with the authorities to trust.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file with the key of the client's certificate.
    pub key: Option<PathBuf>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            tls: false,
            user: None,
            password: String::new(),
            hosts: vec![("localhost".to_owned(), 9092)],
            client_id: None,
            connect_timeout: Duration::from_secs(10),
            publish_timeout: Duration::from_secs(30),
            window: 1024,
            linger: Duration::ZERO,
            compression: Compression::None,
            max_message: 16 << 20,
            partitions: 8,
            prefix: String::new(),
            replication: None,
            ladder: [1, 5, 15, 60, 300, 900, 3600].map(Duration::from_secs).to_vec(),
            silence: Duration::from_secs(10),
            session_timeout: Duration::from_secs(45),
            heartbeat: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(30),
            instance: None,
            transaction_timeout: Duration::from_secs(10),
            refresh: Duration::from_secs(5),
            statistics: Duration::from_secs(10),
            sasl: Sasl::Plain,
            token_url: None,
            token_scope: None,
            token_extensions: None,
            token_ca: None,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl KafkaConfig {
    /// What Kafka calls a topic of messages.
    pub(super) fn topic(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// The topic of messages that Kafka calls so; none when it belongs to somebody else.
    pub(super) fn logical<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(self.prefix.as_str())
    }

    /// `host:port,host:port`.
    pub(super) fn bootstrap(&self) -> String {
        join_hosts(&self.hosts)
    }
}

impl fmt::Display for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "kafkas" } else { "kafka" };
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        write!(f, "{scheme}://{user}{}/", self.bootstrap())
    }
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KafkaConfig").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
