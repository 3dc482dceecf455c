//! The sections of the configuration with their types.

mod broker;
mod grpc;
mod http;
pub(super) mod read;
mod service;

use std::net::SocketAddr;
use std::time::Duration;

pub use self::broker::BrokerConfig;
pub use self::grpc::GrpcConfig;
pub use self::http::{HttpConfig, HttpTlsConfig};
use self::read::{address, duration, enabled, text};
pub use self::service::{HandlerConfig, LimitConfig, RetryConfig, ServiceConfig, SubscriptionConfig};
use super::tree::Table;

/// `[admin]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminConfig {
    /// Whether the admin port is opened. Default: true.
    pub enabled: bool,
    /// Where it listens. Default: `127.0.0.1:9464`.
    pub address: SocketAddr,
}

/// `[metrics]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsConfig {
    /// How often the brokers are asked how far each subscription is behind; never if it is no time. Default: 15 s.
    pub lag_interval: Duration,
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

impl AdminConfig {
    pub(super) fn read(tree: &Table) -> Self {
        Self {
            enabled: enabled(tree, "admin"),
            address: address(tree, "admin").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9464))),
        }
    }
}

impl MetricsConfig {
    pub(super) fn read(tree: &Table) -> Self {
        Self { lag_interval: duration(tree, &["metrics", "lag_interval"]).unwrap_or(Duration::from_secs(15)) }
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
