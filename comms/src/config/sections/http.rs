//! The port of HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::read::{address, duration, enabled, is_true, number, size, text};
use crate::config::tree::Table;

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

impl HttpConfig {
    pub(in crate::config) fn read(tree: &Table) -> Self {
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
            compression: is_true(tree, &["http", "compression"], false),
            tls: HttpTlsConfig::read(tree),
            public_url: text(tree, &["http", "public_url"]),
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
