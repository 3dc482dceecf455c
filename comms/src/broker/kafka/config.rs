//! The URL of a Kafka cluster and its options.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::broker::text::{self, parse_duration, parse_size, percent_decode};
use crate::broker::{BrokerError, BrokerErrorKind};

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
/// | `compression` | `none` | `none`, `gzip`, `snappy` or `lz4` |
/// | `max_message` | `16MiB` | larger payloads are refused before they are sent; topics are made to take as much |
/// | `partitions` | `8` | of topics that have to be made |
/// | `prefix` | | stands before the names of all topics and groups, for several environments on one cluster |
/// | `replication` | the broker's | how many brokers keep each of those topics |
/// | `ladder` | `1s,5s,15s,1m,5m,15m,1h` | the delays of retries, ascending |
/// | `session_timeout` | `45s` | a member that is silent for so long is taken for dead |
/// | `heartbeat` | `1s` | how often a member says that it lives, and so how soon it hears of others |
/// | `drain_timeout` | `30s` | how long a partition that moves to another member waits for what is in hand |
/// | `instance` | | keeps a member's partitions over its restart (static membership); another name for each instance |
/// | `refresh` | `5s` | how soon a pattern sees new topics |
/// | `sasl` | `plain` | `plain`, `scram-sha-256` or `scram-sha-512`; needs a user |
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
    /// A member that is silent for so long is taken for dead.
    pub session_timeout: Duration,
    /// How often a member says that it lives.
    pub heartbeat: Duration,
    /// How long a partition that moves waits for what is in hand.
    pub drain_timeout: Duration,
    /// The name of this instance, for static membership.
    pub instance: Option<String>,
    /// How soon a pattern sees new topics.
    pub refresh: Duration,
    /// How user and password are shown.
    pub sasl: Sasl,
    /// PEM file with the authorities to trust.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file with the key of the client's certificate.
    pub key: Option<PathBuf>,
}

const OPTIONS: &[&str] = &[
    "client_id",
    "connect_timeout",
    "publish_timeout",
    "window",
    "linger",
    "compression",
    "max_message",
    "partitions",
    "prefix",
    "replication",
    "ladder",
    "session_timeout",
    "heartbeat",
    "drain_timeout",
    "instance",
    "refresh",
    "sasl",
    "ca",
    "cert",
    "key",
];

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
            session_timeout: Duration::from_secs(45),
            heartbeat: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(30),
            instance: None,
            refresh: Duration::from_secs(5),
            sasl: Sasl::Plain,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl FromStr for KafkaConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| config_error("a Kafka URL begins with kafka:// or kafkas://"))?;
        refuse_split_secret(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() {
            return Err(config_error(format!(
                "a Kafka URL has no path, but this one has `/{path}`: topics are named by the messages; options stand behind a `?`"
            )));
        }
        let mut config = Self { tls: is_tls(scheme)?, ..Self::default() };
        config.set_authority(authority)?;
        let mut has_sasl = false;
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            has_sasl |= name == "sasl";
            config.set_option(name, &decoded(name, value)?)?;
        }
        if has_sasl && config.user.is_none() {
            return Err(config_error("the option `sasl` needs a user and a password in the Kafka URL: kafka://user:password@host/"));
        }
        config.check()
    }
}

/// A sign of the password would end it, and errors would show the pieces.
fn refuse_split_secret(rest: &str) -> Result<(), BrokerError> {
    let (authority, behind) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    if !authority.contains('@') && behind.contains('@') {
        return Err(config_error(
            "the user or the password in the Kafka URL holds a `/`, `?` or `#`: write %2F, %3F or %23 for it (and %40 for an `@` behind the host)",
        ));
    }
    Ok(())
}

fn is_tls(scheme: &str) -> Result<bool, BrokerError> {
    match scheme {
        "kafka" => Ok(false),
        "kafkas" if cfg!(feature = "kafka-tls") => Ok(true),
        "kafkas" => Err(config_error("kafkas:// needs comms with the feature `kafka-tls`; add it to the dependency's features")),
        other => Err(config_error(format!("the URL scheme `{other}` is not Kafka's: use kafka:// or kafkas://"))),
    }
}

impl KafkaConfig {
    fn set_authority(&mut self, authority: &str) -> Result<(), BrokerError> {
        let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
        if let Some(user) = user {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            self.user = Some(decoded("user", user)?);
            self.password = decoded("password", password)?;
        }
        let port = if self.tls { 9093 } else { 9092 };
        match hosts.is_empty() {
            true => self.hosts = vec![("localhost".to_owned(), port)],
            false => self.hosts = hosts.split(',').map(|host| parse_host(host, port)).collect::<Result<_, _>>()?,
        }
        Ok(())
    }

    fn set_option(&mut self, name: &str, value: &str) -> Result<(), BrokerError> {
        match name {
            "client_id" => self.client_id = Some(value.to_owned()),
            "connect_timeout" => self.connect_timeout = duration(name, value)?,
            "publish_timeout" => self.publish_timeout = duration(name, value)?,
            "window" => self.window = whole(name, value)?,
            "linger" => self.linger = duration(name, value)?,
            "compression" => self.compression = compression(value)?,
            "max_message" => {
                self.max_message = parse_size(value).ok_or_else(|| invalid(name, value, "a size, for example 512KiB or 16MiB"))?;
            }
            "partitions" => self.partitions = whole(name, value)?,
            "prefix" => self.prefix = value.to_owned(),
            "replication" => self.replication = Some(whole(name, value)?),
            "ladder" => self.ladder = value.split(',').map(|rung| duration(name, rung)).collect::<Result<_, _>>()?,
            "session_timeout" => self.session_timeout = duration(name, value)?,
            "heartbeat" => self.heartbeat = duration(name, value)?,
            "drain_timeout" => self.drain_timeout = duration(name, value)?,
            "instance" => self.instance = Some(value.to_owned()),
            "refresh" => self.refresh = duration(name, value)?,
            "sasl" => self.sasl = sasl(value)?,
            "ca" => self.ca = Some(value.into()),
            "cert" => self.cert = Some(value.into()),
            "key" => self.key = Some(value.into()),
            _ => return Err(unknown_option(name)),
        }
        Ok(())
    }

    fn check(self) -> Result<Self, BrokerError> {
        let wrong = if !self.ladder.is_sorted_by(|a, b| a < b) || self.ladder.first().is_none_or(Duration::is_zero) {
            "the option `ladder` must list delays above zero in ascending order, for example 1s,5s,1m"
        } else if self.window == 0 || self.window > 1_000_000 {
            "the option `window` must be between 1 and 1000000"
        } else if self.partitions == 0 || self.replication == Some(0) {
            "the options `partitions` and `replication` must be at least 1"
        } else if self.max_message == 0 || self.max_message > 512 << 20 {
            "the option `max_message` must be between 1B and 512MiB"
        } else if self.prefix.len() > 60 || !self.prefix.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)) {
            "the option `prefix` may hold up to 60 characters of a-z, A-Z, 0-9, `.`, `-` and `_`, for example `staging.`"
        } else if self.linger > Duration::from_secs(60) || self.linger >= self.publish_timeout {
            "the option `linger` must be shorter than `publish_timeout`, and at most 60s"
        } else if self.publish_timeout > Duration::from_secs(24 * 3600) {
            "the option `publish_timeout` must be at most 24h"
        } else if self.heartbeat.as_millis() == 0 || self.heartbeat * 3 > self.session_timeout {
            "the option `heartbeat` must be above zero, and at most a third of `session_timeout`"
        } else if self.session_timeout > Duration::from_secs(30 * 60) {
            "the option `session_timeout` must be at most 30m: brokers refuse longer ones"
        } else if self.drain_timeout > Duration::from_secs(240) {
            "the option `drain_timeout` must be at most 4m: the brokers wait five minutes for a member"
        } else if self.refresh.as_millis() < 10 || self.refresh > Duration::from_secs(3600) {
            "the option `refresh` must be between 10ms and 1h"
        } else if self.cert.is_some() != self.key.is_some() {
            "the options `cert` and `key` belong together: give both or none"
        } else if !self.tls && (self.ca.is_some() || self.cert.is_some()) {
            "the options `ca`, `cert` and `key` need a URL that begins with kafkas://"
        } else if self.user.is_some() && self.password.is_empty() {
            "the Kafka URL names a user without a password: write kafka://user:password@host/, or leave the user out"
        } else {
            return Ok(self);
        };
        Err(config_error(wrong))
    }

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
        let hosts: Vec<String> = self.hosts.iter().map(|(host, port)| authority(host, *port)).collect();
        hosts.join(",")
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn compression(value: &str) -> Result<Compression, BrokerError> {
    match value {
        "none" => Ok(Compression::None),
        "gzip" => Ok(Compression::Gzip),
        "snappy" => Ok(Compression::Snappy),
        "lz4" => Ok(Compression::Lz4),
        _ => Err(invalid("compression", value, "`none`, `gzip`, `snappy` or `lz4` (`zstd` is not built in)")),
    }
}

fn sasl(value: &str) -> Result<Sasl, BrokerError> {
    match value {
        "plain" => Ok(Sasl::Plain),
        "scram-sha-256" | "scram-sha-512" if !cfg!(feature = "kafka-tls") => Err(config_error(format!(
            "`sasl={value}` needs comms with the feature `kafka-tls`; add it to the dependency's features, or use `sasl=plain`"
        ))),
        "scram-sha-256" => Ok(Sasl::ScramSha256),
        "scram-sha-512" => Ok(Sasl::ScramSha512),
        _ => Err(invalid("sasl", value, "`plain`, `scram-sha-256` or `scram-sha-512`")),
    }
}

fn parse_host(text: &str, default_port: u16) -> Result<(String, u16), BrokerError> {
    let wrong = || invalid("host", text, "`host`, `host:port` or `[ipv6]:port`");
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(wrong());
    }
    let port = port.map_or(Ok(default_port), str::parse).map_err(|_| wrong())?;
    Ok((host.to_owned(), port))
}

fn decoded(what: &str, text: &str) -> Result<String, BrokerError> {
    percent_decode(text)
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| config_error(format!("the {what} in the Kafka URL is not percent-encoded UTF-8: write `%25` for a percent sign")))
}

fn duration(name: &str, value: &str) -> Result<Duration, BrokerError> {
    parse_duration(value).ok_or_else(|| invalid(name, value, "a duration in ms, s, m or h, for example 500ms or 30s"))
}

fn whole<T: FromStr>(name: &str, value: &str) -> Result<T, BrokerError> {
    value.parse().map_err(|_| invalid(name, value, "a whole number, for example 8"))
}

fn invalid(name: &str, value: &str, expected: &str) -> BrokerError {
    config_error(format!("`{value}` is no value of `{name}` in the Kafka URL: expected {expected}"))
}

fn unknown_option(name: &str) -> BrokerError {
    let hint = text::closest(name, OPTIONS).map_or_else(|| ".".to_owned(), |close| format!("; did you mean `{close}`?"));
    config_error(format!("the Kafka URL has no option `{name}`{hint} The options are: {}", OPTIONS.join(", ")))
}

pub(super) fn config_error(message: impl Into<String>) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Config, message)
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
