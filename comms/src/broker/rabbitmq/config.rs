//! The URL of a RabbitMQ server and its options.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::broker::text::{self, parse_duration, parse_size, percent_decode};
use crate::broker::{BrokerError, BrokerErrorKind};

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
/// | `queue` | `quorum` | `quorum` or `classic` |
/// | `exchange` | `comms` | the topic exchange that everything is published to |
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
    /// How queues are made.
    pub queue: QueueKind,
    /// The topic exchange.
    pub exchange: String,
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

const OPTIONS: &[&str] = &[
    "heartbeat",
    "connection_name",
    "connect_timeout",
    "publish_timeout",
    "window",
    "queue",
    "exchange",
    "ladder",
    "max_message",
    "ca",
    "cert",
    "key",
];

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
            queue: QueueKind::Quorum,
            exchange: "comms".to_owned(),
            ladder: [1, 5, 15, 60, 300, 900, 3600].map(Duration::from_secs).to_vec(),
            max_message: 16 << 20,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl FromStr for RabbitMqConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| config_error("a RabbitMQ URL begins with amqp:// or amqps://"))?;
        refuse_split_secret(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, vhost) = rest.split_once('/').unwrap_or((rest, ""));
        let mut config = Self { tls: is_tls(scheme)?, ..Self::default() };
        config.set_authority(authority)?;
        if !vhost.is_empty() {
            config.vhost = decoded("vhost", vhost)?;
        }
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            config.set_option(name, &decoded(name, value)?)?;
        }
        config.check()
    }
}

/// A sign of the password would end it, and errors would show the pieces.
fn refuse_split_secret(rest: &str) -> Result<(), BrokerError> {
    let (authority, behind) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    if !authority.contains('@') && behind.contains('@') {
        return Err(config_error(
            "the user or the password in the RabbitMQ URL holds a `/`, `?` or `#`: write %2F, %3F or %23 for it (and %40 for an `@` behind the host)",
        ));
    }
    Ok(())
}

fn is_tls(scheme: &str) -> Result<bool, BrokerError> {
    match scheme {
        "amqp" => Ok(false),
        "amqps" if cfg!(feature = "rabbitmq-tls") => Ok(true),
        "amqps" => Err(config_error("amqps:// needs comms with the feature `rabbitmq-tls`; add it to the dependency's features")),
        other => Err(config_error(format!("the URL scheme `{other}` is not RabbitMQ's: use amqp:// or amqps://"))),
    }
}

impl RabbitMqConfig {
    fn set_authority(&mut self, authority: &str) -> Result<(), BrokerError> {
        let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
        if let Some(user) = user {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            self.user = decoded("user", user)?;
            self.password = decoded("password", password)?;
        }
        let port = if self.tls { 5671 } else { 5672 };
        if !hosts.is_empty() {
            self.hosts = hosts.split(',').map(|host| parse_host(host, port)).collect::<Result<_, _>>()?;
        } else if self.tls {
            self.hosts = vec![("localhost".to_owned(), port)];
        }
        Ok(())
    }

    fn set_option(&mut self, name: &str, value: &str) -> Result<(), BrokerError> {
        match name {
            "heartbeat" => self.heartbeat = duration(name, value)?,
            "connection_name" => self.connection_name = Some(value.to_owned()),
            "connect_timeout" => self.connect_timeout = duration(name, value)?,
            "publish_timeout" => self.publish_timeout = duration(name, value)?,
            "window" => self.window = value.parse().map_err(|_| invalid(name, value, "a whole number, for example 1024"))?,
            "queue" => self.queue = queue_kind(value)?,
            "exchange" => self.exchange = value.to_owned(),
            "ladder" => self.ladder = value.split(',').map(|rung| duration(name, rung)).collect::<Result<_, _>>()?,
            "max_message" => {
                self.max_message = parse_size(value).ok_or_else(|| invalid(name, value, "a size, for example 512KiB or 16MiB"))?;
            }
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
        } else if self.window == 0 {
            "the option `window` must be at least 1"
        } else if self.heartbeat.as_secs() == 0 || self.heartbeat.as_secs() > 65_535 {
            "the option `heartbeat` must be between 1s and 65535s"
        } else if self.exchange.is_empty() || self.exchange.len() > 100 || self.exchange.starts_with("amq.") {
            "the option `exchange` must be a name of 1 to 100 bytes that does not begin with `amq.`"
        } else if self.cert.is_some() != self.key.is_some() {
            "the options `cert` and `key` belong together: give both or none"
        } else if !self.tls && (self.ca.is_some() || self.cert.is_some()) {
            "the options `ca`, `cert` and `key` need a URL that begins with amqps://"
        } else {
            return Ok(self);
        };
        Err(config_error(wrong))
    }
}

fn queue_kind(value: &str) -> Result<QueueKind, BrokerError> {
    match value {
        "quorum" => Ok(QueueKind::Quorum),
        "classic" => Ok(QueueKind::Classic),
        _ => Err(invalid("queue", value, "`quorum` or `classic`")),
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
        .ok_or_else(|| config_error(format!("the {what} in the RabbitMQ URL is not percent-encoded UTF-8: write `%25` for a percent sign")))
}

fn duration(name: &str, value: &str) -> Result<Duration, BrokerError> {
    parse_duration(value).ok_or_else(|| invalid(name, value, "a duration in ms, s, m or h, for example 500ms or 30s"))
}

fn invalid(name: &str, value: &str, expected: &str) -> BrokerError {
    config_error(format!("`{value}` is no value of `{name}` in the RabbitMQ URL: expected {expected}"))
}

fn unknown_option(name: &str) -> BrokerError {
    let hint = text::closest(name, OPTIONS).map_or_else(|| ".".to_owned(), |close| format!("; did you mean `{close}`?"));
    config_error(format!("the RabbitMQ URL has no option `{name}`{hint} The options are: {}", OPTIONS.join(", ")))
}

pub(super) fn config_error(message: impl Into<String>) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Config, message)
}

impl fmt::Display for RabbitMqConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let hosts: Vec<String> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        write!(f, "{scheme}://{}@{}/{}", self.user, hosts.join(","), self.vhost.replace('/', "%2f"))
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
