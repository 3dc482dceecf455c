//! The sections of the configuration with their types.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::duration::{parse_duration, parse_duration_range};
use super::secret::{self, Secret};
use super::size::Size;
use super::tree::{self, Node, Table, Value};
use crate::limit::Rate;

/// The rate that is none.
pub(super) const UNTHROTTLED: &str = "off";

/// `[brokers.NAME]`. Never prints a password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerConfig {
    url: String,
    /// The password, if it is not in the URL.
    pub password: Option<Secret<String>>,
    /// The file that holds the password; whoever reads files puts its content into `password`.
    pub password_file: Option<PathBuf>,
}

/// `[service.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// By topic as declared, or `topic@group`.
    pub subscriptions: BTreeMap<String, SubscriptionConfig>,
    /// By name.
    pub handlers: BTreeMap<String, HandlerConfig>,
}

/// `[service.NAME.subscription."TOPIC"]`; what is not set is as the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionConfig {
    /// How many messages this process handles at once, from 1.
    pub concurrency: Option<usize>,
    /// For how long ids are remembered; zero switches deduplication off.
    pub dedup: Option<Duration>,
    /// How many messages this process takes in a time; `Some(None)`: as many as it can.
    pub throttle: Option<Option<Rate>>,
}

/// `[service.NAME.handler.NAME]`; what is not set is as the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerConfig {
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How failures are retried.
    pub retry: RetryConfig,
}

/// `retry`; what is not set is as the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// How many retries follow the first attempt.
    pub max: Option<u32>,
    /// How many of them at once, holding the slot.
    pub immediate: Option<u32>,
    /// The delay before the first retry and the longest one.
    pub backoff: Option<(Duration, Duration)>,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Whether the port is opened, if there are routes. Default: true.
    pub enabled: bool,
    /// Where it listens. Default: `127.0.0.1:8080`.
    pub address: SocketAddr,
    /// How many bytes the head of a request may have. Default: 16 KiB.
    pub header_limit: usize,
    /// How long the head may take to come, and each wait for more of the body. Default: 10 s.
    pub read_timeout: Duration,
    /// How many connections are served at once. Default: 10,000.
    pub max_connections: usize,
    /// How long a client may take nothing of its answer. Default: 30 s.
    pub write_timeout: Duration,
    /// How often a silent client of HTTP/2 is asked whether it is still there. Default: `read_timeout`.
    pub keep_alive_interval: Duration,
    /// How long its answer may take. Default: `read_timeout`.
    pub keep_alive_timeout: Duration,
    /// Whether answers are sent in gzip to clients that read it. Default: false.
    pub compression: bool,
    /// HTTPS.
    pub tls: Option<HttpTlsConfig>,
    /// Where clients reach it, for the OpenAPI document.
    pub public_url: Option<String>,
}

/// `[http.tls]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpTlsConfig {
    /// The PEM file of the certificate, and of those up to its authority.
    pub certificate: PathBuf,
    /// The PEM file of its private key.
    pub key: PathBuf,
    /// The PEM file of the authority of those clients that are answered; none: any client is.
    pub client_ca: Option<PathBuf>,
}

/// `[grpc]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrpcConfig {
    /// Whether gRPC is answered at a port, if there are gRPC services. Default: true.
    pub enabled: bool,
    /// Where it listens, if not at the port of HTTP.
    pub address: Option<SocketAddr>,
    /// How many bytes a message of a caller may have. Default: 4 MiB.
    pub request_limit: usize,
    /// How many bytes a message of an answer may have. Default: 4 MiB.
    pub answer_limit: usize,
    /// How long each wait for more of a request message may take. Default: 10 s.
    pub read_timeout: Duration,
    /// How long a whole request message may take. Default: 60 s.
    pub message_timeout: Duration,
    /// Whether answers are compressed with gzip, for callers that read it. Default: false.
    pub compression: bool,
    /// Whether `grpc.health.v1.Health` is answered. Default: true.
    pub health: bool,
    /// Whether reflection is answered, v1 and v1alpha. Default: true.
    pub reflection: bool,
    /// How long streams may go on once the process was told to stop. Default: 1 s.
    pub stream_grace: Duration,
}

/// `[admin]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminConfig {
    /// Whether the admin port is opened. Default: true.
    pub enabled: bool,
    /// Where it listens. Default: `127.0.0.1:9464`.
    pub address: SocketAddr,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogConfig {
    /// How lines look. Default: `auto`.
    pub format: LogFormat,
    /// A level or directives, as `tracing-subscriber`'s `EnvFilter` reads them. Default: `info`.
    pub filter: String,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// Pretty on a terminal, else JSON.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// `[shutdown]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownConfig {
    /// For how long the process says that it is not ready, and goes on as ever, before it closes its ports: until no load balancer sends
    /// requests there any more. Default: no time.
    pub unready_for: Duration,
    /// How long work in flight may take to finish after that. Default: 30 s.
    pub timeout: Duration,
}

impl BrokerConfig {
    /// A broker at the URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), password: None, password_file: None }
    }

    /// What chooses the backend: `amqp`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// The URL for a person: a password in it is masked.
    #[must_use]
    pub fn shown_url(&self) -> String {
        secret::mask_url(&self.url)
    }

    /// The URL to connect to, with the password in it.
    #[must_use]
    pub fn connect_url(&self) -> Secret<String> {
        Secret::new(match &self.password {
            Some(password) => secret::with_password(&self.url, password.expose()),
            None => self.url.clone(),
        })
    }

    pub(super) fn read(table: &Table) -> Self {
        Self {
            password: text(table, &["password"]).map(Secret::new),
            password_file: text(table, &["password_file"]).map(PathBuf::from),
            ..Self::new(text(table, &["url"]).unwrap_or_default())
        }
    }
}

impl fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BrokerConfig");
        shown.field("url", &self.shown_url()).field("password", &self.password).field("password_file", &self.password_file).finish()
    }
}

impl ServiceConfig {
    pub(super) fn read(table: &Table) -> Self {
        Self {
            subscriptions: named(table, "subscription", |table| SubscriptionConfig {
                concurrency: number(table, &["concurrency"]),
                dedup: duration(table, &["dedup"]),
                throttle: throttle(table, &["throttle"]),
            }),
            handlers: named(table, "handler", |table| HandlerConfig {
                timeout: duration(table, &["timeout"]),
                retry: RetryConfig {
                    max: number(table, &["retry", "max"]),
                    immediate: number(table, &["retry", "immediate"]),
                    backoff: text(table, &["retry", "backoff"]).and_then(|text| parse_duration_range(&text).ok()),
                },
            }),
        }
    }
}

impl HttpConfig {
    pub(super) fn read(tree: &Table) -> Self {
        let read_timeout = duration(tree, &["http", "read_timeout"]).unwrap_or(Duration::from_secs(10));
        Self {
            keep_alive_interval: duration(tree, &["http", "keep_alive_interval"]).unwrap_or(read_timeout),
            keep_alive_timeout: duration(tree, &["http", "keep_alive_timeout"]).unwrap_or(read_timeout),
            enabled: enabled(tree, "http"),
            address: address(tree, "http").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            header_limit: size(tree, &["http", "header_limit"]).unwrap_or(16 << 10),
            read_timeout,
            max_connections: number(tree, &["http", "max_connections"]).unwrap_or(10_000),
            write_timeout: duration(tree, &["http", "write_timeout"]).unwrap_or(Duration::from_secs(30)),
            compression: matches!(tree::find(tree, &["http", "compression"]).map(|node| &node.value), Some(Value::Boolean(true))),
            tls: HttpTlsConfig::read(tree),
            public_url: text(tree, &["http", "public_url"]),
        }
    }
}

impl GrpcConfig {
    pub(super) fn read(tree: &Table) -> Self {
        Self {
            enabled: enabled(tree, "grpc"),
            compression: is_true(tree, &["grpc", "compression"], false),
            health: is_true(tree, &["grpc", "health"], true),
            reflection: is_true(tree, &["grpc", "reflection"], true),
            address: address(tree, "grpc"),
            request_limit: size(tree, &["grpc", "request_limit"]).unwrap_or(4 << 20),
            answer_limit: size(tree, &["grpc", "answer_limit"]).unwrap_or(4 << 20),
            read_timeout: duration(tree, &["grpc", "read_timeout"]).unwrap_or(Duration::from_secs(10)),
            message_timeout: duration(tree, &["grpc", "message_timeout"]).unwrap_or(Duration::from_secs(60)),
            stream_grace: duration(tree, &["grpc", "stream_grace"]).unwrap_or(Duration::from_secs(1)),
        }
    }
}

impl HttpTlsConfig {
    /// The rules have seen that both files are named where one is.
    fn read(tree: &Table) -> Option<Self> {
        let path = |name| text(tree, &["http", "tls", name]).map(PathBuf::from);
        Some(Self { certificate: path("certificate")?, key: path("key")?, client_ca: path("client_ca") })
    }
}

impl AdminConfig {
    pub(super) fn read(tree: &Table) -> Self {
        Self {
            enabled: enabled(tree, "admin"),
            address: address(tree, "admin").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9464))),
        }
    }
}

impl LogConfig {
    pub(super) fn read(tree: &Table) -> Self {
        let format = match text(tree, &["log", "format"]).as_deref() {
            Some("pretty") => LogFormat::Pretty,
            Some("json") => LogFormat::Json,
            _ => LogFormat::Auto,
        };
        Self { format, filter: text(tree, &["log", "filter"]).unwrap_or_else(|| "info".to_owned()) }
    }
}

pub(super) fn named<T>(table: &Table, name: &str, read: impl Fn(&Table) -> T) -> BTreeMap<String, T> {
    let inner = table.get(name).and_then(Node::as_table).into_iter().flatten();
    inner.filter_map(|(name, node)| Some((name.clone(), read(node.as_table()?)))).collect()
}

pub(super) fn text(table: &Table, path: &[&str]) -> Option<String> {
    tree::find(table, path)?.as_text().map(str::to_owned)
}

pub(super) fn duration(table: &Table, path: &[&str]) -> Option<Duration> {
    parse_duration(&text(table, path)?).ok()
}

/// A rate, or the word for none.
fn throttle(table: &Table, path: &[&str]) -> Option<Option<Rate>> {
    match text(table, path)?.as_str() {
        UNTHROTTLED => Some(None),
        rate => rate.parse().ok().map(Some),
    }
}

pub(super) fn size(table: &Table, path: &[&str]) -> Option<usize> {
    let Size(bytes) = text(table, path)?.parse().ok()?;
    bytes.try_into().ok()
}

fn enabled(tree: &Table, section: &str) -> bool {
    is_true(tree, &[section, "enabled"], true)
}

fn is_true(tree: &Table, path: &[&str], otherwise: bool) -> bool {
    match tree::find(tree, path).map(|node| &node.value) {
        Some(Value::Boolean(value)) => *value,
        _ => otherwise,
    }
}

fn address(tree: &Table, section: &str) -> Option<SocketAddr> {
    text(tree, &[section, "address"])?.parse().ok()
}

pub(super) fn number<N: TryFrom<i64>>(table: &Table, path: &[&str]) -> Option<N> {
    match tree::find(table, path)?.value {
        Value::Integer(number) => number.try_into().ok(),
        _ => None,
    }
}
