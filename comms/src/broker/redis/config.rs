//! The URL of a Redis server and its options.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::broker::text::{self, parse_duration, parse_size, percent_decode};
use crate::broker::{BrokerError, BrokerErrorKind, Capabilities};

/// Where and how to connect: `redis://user:password@host:6379/0?option=value&..`.
///
/// The path is the number of the database, 0 when left out; without a user it is Redis's `default`, without a
/// password nobody logs in. `rediss://` needs the feature `redis-tls`. The options:
///
/// | option | default | meaning |
/// |---|---|---|
/// | `prefix` | `comms` | what all keys begin with |
/// | `durable` | `false` | `true` declares the capability durable: the server must have `appendonly yes` and `appendfsync always`, which is checked at each connection |
/// | `retain` | `10000` | how many settled messages a topic keeps for groups that begin with the earliest; what a group has not settled is always kept |
/// | `lease` | `30s` | a member that has not renewed its lease for so long is taken for dead, and others get what it held; at least four times `heartbeat` |
/// | `heartbeat` | `5s` | a server that does not answer for twice as long is taken for lost |
/// | `connection_name` | the service's name | what the server shows (`CLIENT LIST`) |
/// | `connect_timeout` | `10s` | how long the first connection is tried for |
/// | `publish_timeout` | `30s` | how long a publish may wait when its message has no deadline |
/// | `window` | `1024` | how many messages may be published and not yet confirmed |
/// | `max_message` | `16MiB` | larger payloads are refused before they are sent |
/// | `ca`, `cert`, `key` | | PEM files for TLS: authority to trust, client certificate and its key |
///
/// Neither `Debug` nor `Display` nor any error shows the password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisConfig {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The user of the ACL; `default` when there is none.
    pub user: Option<String>,
    pub(super) password: Option<String>,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The number of the database.
    pub database: u32,
    /// What all keys begin with.
    pub prefix: String,
    /// Whether the server has to have every write on disk before it answers.
    pub durable: bool,
    /// How many settled messages a topic keeps.
    pub retain: u64,
    /// When a silent member is taken for dead.
    pub lease: Duration,
    /// How often the server is asked whether it is there.
    pub heartbeat: Duration,
    /// What the server shows for the connection.
    pub connection_name: Option<String>,
    /// How long the first connection is tried for.
    pub connect_timeout: Duration,
    /// How long a publish may wait when its message has no deadline.
    pub publish_timeout: Duration,
    /// How many messages may be published and not yet confirmed.
    pub window: usize,
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
    "prefix",
    "durable",
    "retain",
    "lease",
    "heartbeat",
    "connection_name",
    "connect_timeout",
    "publish_timeout",
    "window",
    "max_message",
    "ca",
    "cert",
    "key",
];

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            tls: false,
            user: None,
            password: None,
            host: "localhost".to_owned(),
            port: 6379,
            database: 0,
            prefix: "comms".to_owned(),
            durable: false,
            retain: 10_000,
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(5),
            connection_name: None,
            connect_timeout: Duration::from_secs(10),
            publish_timeout: Duration::from_secs(30),
            window: 1024,
            max_message: 16 << 20,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl FromStr for RedisConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| config_error("a Redis URL begins with redis:// or rediss://"))?;
        refuse_split_secret(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let mut config = Self { tls: is_tls(scheme)?, ..Self::default() };
        config.set_authority(authority)?;
        if !database.is_empty() {
            config.database =
                database.parse().map_err(|_| invalid("database", database, "the number of a database, for example redis://host/0"))?;
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
            "the user or the password in the Redis URL holds a `/`, `?` or `#`: write %2F, %3F or %23 for it (and %40 for an `@` behind the host)",
        ));
    }
    Ok(())
}

fn is_tls(scheme: &str) -> Result<bool, BrokerError> {
    match scheme {
        "redis" => Ok(false),
        "rediss" if cfg!(feature = "redis-tls") => Ok(true),
        "rediss" => Err(config_error("rediss:// needs comms with the feature `redis-tls`; add it to the dependency's features")),
        other => Err(config_error(format!("the URL scheme `{other}` is not Redis's: use redis:// or rediss://"))),
    }
}

impl RedisConfig {
    /// What the server has to be able to do.
    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities { durable: self.durable, replayable: true, delayed: true, ..Capabilities::none() }
    }

    fn set_authority(&mut self, authority: &str) -> Result<(), BrokerError> {
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        if let Some(user) = user {
            let (user, password) = user.split_once(':').map_or((user, None), |(user, password)| (user, Some(password)));
            self.user = Some(decoded("user", user)?).filter(|user| !user.is_empty());
            self.password = password.map(|password| decoded("password", password)).transpose()?.filter(|password| !password.is_empty());
        }
        if host.contains(',') {
            return Err(config_error(format!(
                "`{host}` names several servers in the Redis URL: it takes one; Redis Cluster and Sentinel are not supported yet"
            )));
        }
        if !host.is_empty() {
            (self.host, self.port) = parse_host(host)?;
        }
        Ok(())
    }

    fn set_option(&mut self, name: &str, value: &str) -> Result<(), BrokerError> {
        match name {
            "prefix" => self.prefix = value.to_owned(),
            "durable" => self.durable = value.parse().map_err(|_| invalid(name, value, "`true` or `false`"))?,
            "retain" => self.retain = value.parse().map_err(|_| invalid(name, value, "a whole number, for example 10000"))?,
            "lease" => self.lease = duration(name, value)?,
            "heartbeat" => self.heartbeat = duration(name, value)?,
            "connection_name" => self.connection_name = Some(value.to_owned()),
            "connect_timeout" => self.connect_timeout = duration(name, value)?,
            "publish_timeout" => self.publish_timeout = duration(name, value)?,
            "window" => self.window = value.parse().map_err(|_| invalid(name, value, "a whole number, for example 1024"))?,
            "max_message" => {
                self.max_message = parse_size(value).ok_or_else(|| invalid(name, value, "a size, for example 512KiB or 16MiB"))?;
            }
            "ca" => self.ca = Some(value.into()),
            "cert" => self.cert = Some(value.into()),
            "key" => self.key = Some(value.into()),
            "cluster" | "sentinel" | "sentinels" | "wait" => {
                return Err(config_error(format!(
                    "the Redis URL has the option `{name}`: Redis Cluster, Sentinel and WAIT are not supported yet"
                )));
            }
            _ => return Err(unknown_option(name)),
        }
        Ok(())
    }

    fn check(self) -> Result<Self, BrokerError> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let wrong = if self.prefix.is_empty() || self.prefix.len() > 100 || !plain(&self.prefix) {
            "the option `prefix` must be 1 to 100 letters, digits, `-`, `_` or `.`".to_owned()
        } else if self.window == 0 {
            "the option `window` must be at least 1".to_owned()
        } else if self.heartbeat < Duration::from_millis(100) {
            "the option `heartbeat` must be at least 100ms".to_owned()
        } else if self.lease < self.heartbeat * 4 {
            let lease = (self.heartbeat * 4).as_millis();
            format!(
                "the option `lease` must be at least four times `heartbeat`, or members that lost their connection are taken for dead before they know: write lease={lease}ms, or a shorter heartbeat"
            )
        } else if self.max_message > 512 << 20 {
            "the option `max_message` must be at most 512MiB: Redis takes no larger values".to_owned()
        } else if self.cert.is_some() != self.key.is_some() {
            "the options `cert` and `key` belong together: give both or none".to_owned()
        } else if !self.tls && (self.ca.is_some() || self.cert.is_some()) {
            "the options `ca`, `cert` and `key` need a URL that begins with rediss://".to_owned()
        } else if self.user.is_some() && self.password.is_none() {
            "the Redis URL names a user without a password: write redis://user:password@host, or give the password in the configuration"
                .to_owned()
        } else {
            return Ok(self);
        };
        Err(config_error(wrong))
    }
}

fn parse_host(text: &str) -> Result<(String, u16), BrokerError> {
    let wrong = || invalid("host", text, "`host`, `host:port` or `[ipv6]:port`");
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(wrong());
    }
    let port = port.map_or(Ok(6379), str::parse).map_err(|_| wrong())?;
    Ok((host.to_owned(), port))
}

fn decoded(what: &str, text: &str) -> Result<String, BrokerError> {
    percent_decode(text)
        .ok_or_else(|| config_error(format!("the {what} in the Redis URL is not percent-encoded UTF-8: write `%25` for a percent sign")))
}

fn duration(name: &str, value: &str) -> Result<Duration, BrokerError> {
    parse_duration(value).ok_or_else(|| invalid(name, value, "a duration in ms, s, m or h, for example 500ms or 30s"))
}

fn invalid(name: &str, value: &str, expected: &str) -> BrokerError {
    config_error(format!("`{value}` is no value of `{name}` in the Redis URL: expected {expected}"))
}

fn unknown_option(name: &str) -> BrokerError {
    let hint = text::closest(name, OPTIONS).map_or_else(|| ".".to_owned(), |close| format!("; did you mean `{close}`?"));
    config_error(format!("the Redis URL has no option `{name}`{hint} The options are: {}", OPTIONS.join(", ")))
}

pub(super) fn config_error(message: impl Into<String>) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Config, message)
}

impl fmt::Display for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let user = self.user.as_deref().unwrap_or("default");
        write!(f, "{scheme}://{user}@{}:{}/{}", self.host, self.port, self.database)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisConfig").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
