//! `[clients.NAME]`: where other services are, and how long they may take.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

use super::secret::mask_url;
use super::sections::{duration, number, size, text};
use super::tree::{self, Node, Table, Value};

/// `[clients.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Where the service is, `http://host:port`, tried in turn; none: what the client's own declaration says.
    pub addresses: Vec<String>,
    /// The version of HTTP. gRPC has HTTP/2 whatever is said here. Default: HTTP/1.1.
    pub protocol: Protocol,
    /// How long connecting to one address may take, TLS included. Default: 1 s.
    pub connect_timeout: Duration,
    /// How long an attempt may wait for the head of the answer once its request is sent. Default: as long as the call.
    pub attempt_timeout: Option<Duration>,
    /// How long a whole call may take. Default: what the attribute or the method says, else 30 s.
    pub timeout: Option<Duration>,
    /// How long each wait for more of an answer's body may take. Default: 30 s.
    pub read_timeout: Duration,
    /// How many idle connections to one address are kept. Default: 32.
    pub max_idle: usize,
    /// For how long an idle connection is kept. Default: 90 s.
    pub idle_timeout: Duration,
    /// How many bytes an answer may have. Default: 4 MiB.
    pub answer_limit: usize,
    /// How `https` addresses are connected to.
    pub tls: ClientTlsConfig,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, at once: the server is known to speak it.
    Http2,
}

/// `[clients.NAME.tls]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTlsConfig {
    /// A PEM file with the authorities that are trusted; none: those of the operating system.
    pub ca: Option<PathBuf>,
    /// A PEM file with the certificate that the client shows.
    pub certificate: Option<PathBuf>,
    /// A PEM file with the key of that certificate.
    pub key: Option<PathBuf>,
    /// The name that the server's certificate is for; none: the host of the address.
    pub server_name: Option<String>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            protocol: Protocol::Http1,
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: None,
            timeout: None,
            read_timeout: Duration::from_secs(30),
            max_idle: 32,
            idle_timeout: Duration::from_secs(90),
            answer_limit: 4 << 20,
            tls: ClientTlsConfig::default(),
        }
    }
}

impl ClientConfig {
    /// A service at this address, with the defaults.
    #[must_use]
    pub fn at(address: impl Into<String>) -> Self {
        Self { addresses: vec![address.into()], ..Self::default() }
    }

    pub(super) fn read(table: &Table) -> Self {
        let defaults = Self::default();
        let path = |name| text(table, &["tls", name]).map(PathBuf::from);
        Self {
            addresses: list(table, "addresses"),
            protocol: if text(table, &["protocol"]).as_deref() == Some("http2") { Protocol::Http2 } else { Protocol::Http1 },
            connect_timeout: duration(table, &["connect_timeout"]).unwrap_or(defaults.connect_timeout),
            attempt_timeout: duration(table, &["attempt_timeout"]),
            timeout: duration(table, &["timeout"]),
            read_timeout: duration(table, &["read_timeout"]).unwrap_or(defaults.read_timeout),
            max_idle: number(table, &["max_idle"]).unwrap_or(defaults.max_idle),
            idle_timeout: duration(table, &["idle_timeout"]).unwrap_or(defaults.idle_timeout),
            answer_limit: size(table, &["answer_limit"]).unwrap_or(defaults.answer_limit),
            tls: ClientTlsConfig {
                ca: path("ca"),
                certificate: path("certificate"),
                key: path("key"),
                server_name: text(table, &["tls", "server_name"]),
            },
        }
    }
}

/// Whether the text is where a service can be: `http://host:port`, with or without a path.
///
/// # Errors
/// What is wrong, and what is expected.
pub(crate) fn check_address(text: &str) -> Result<(), String> {
    let why = match text.parse::<Uri>() {
        Err(_) => "it is no URL",
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => "it does not begin with `http://` or `https://`",
        Ok(uri) if uri.host().is_none_or(str::is_empty) => "it has no host",
        Ok(uri) if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            "it has a user in it, which no request would carry"
        }
        Ok(uri) if uri.query().is_some() => "it has a query",
        Ok(_) => return Ok(()),
    };
    Err(format!("`{}` is no address of a service: {why}; expected `http://host:port`", mask_url(text)))
}

fn list(table: &Table, name: &str) -> Vec<String> {
    match tree::find(table, &[name]).map(|node| &node.value) {
        Some(Value::List(nodes)) => nodes.iter().filter_map(Node::as_text).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
