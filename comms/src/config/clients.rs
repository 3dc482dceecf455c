//! `[clients.NAME]`: where other services are, and how long they may take.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

use super::secret::mask_url;
use super::sections::read::{duration, number, size, text};
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
    /// How many idle connections to one address are kept. With more calls in flight than that, connections are opened and closed all the
    /// time. Default: 256.
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
            max_idle: 256,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, keys};

    fn read(text: &str) -> ClientConfig {
        Config::from_toml(text).unwrap().clients.remove("a").unwrap()
    }

    fn problems(text: &str) -> Vec<String> {
        Config::from_toml(text).unwrap_err().problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_defaults_are_those_of_the_table_of_keys() {
        let documented = keys::CLIENT.iter().filter_map(|key| Some((key, key.default?)));
        let lines = documented.map(|(key, default)| {
            format!("{} = {}\n", key.name, if key.name == "max_idle" { default.to_owned() } else { format!("{default:?}") })
        });
        assert_eq!(read(&format!("[clients.a]\n{}", lines.collect::<String>())), ClientConfig::default());
        assert_eq!(read("[clients.a]\n"), ClientConfig::default());
    }

    #[test]
    fn every_key_is_read() {
        let config = read(
            "[clients.a]\naddresses = [\"https://h:1\", \"http://h:2/v1\"]\nprotocol = \"http2\"\nconnect_timeout = \"2s\"\nattempt_timeout = \"3s\"\ntimeout = \"4s\"\nread_timeout = \"5s\"\nmax_idle = 6\nidle_timeout = \"7s\"\nanswer_limit = \"8KiB\"\n[clients.a.tls]\nca = \"ca.pem\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\nserver_name = \"n\"\n",
        );
        let seconds = Duration::from_secs;
        let expected = ClientConfig {
            addresses: vec!["https://h:1".into(), "http://h:2/v1".into()],
            protocol: Protocol::Http2,
            connect_timeout: seconds(2),
            attempt_timeout: Some(seconds(3)),
            timeout: Some(seconds(4)),
            read_timeout: seconds(5),
            max_idle: 6,
            idle_timeout: seconds(7),
            answer_limit: 8 << 10,
            tls: ClientTlsConfig {
                ca: Some("ca.pem".into()),
                certificate: Some("c.pem".into()),
                key: Some("k.pem".into()),
                server_name: Some("n".into()),
            },
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn what_is_no_address_is_refused_where_it_stands() {
        let found = problems("[clients.a]\naddresses = [\"http://h:1\", \"h:2\", 3]\n[clients.b]\naddresses = \"http://h\"\n");
        assert!(found[0].starts_with("comms.toml:2:28: `clients.a.addresses[1]`: `h:2` is no address of a service"), "{found:#?}");
        assert!(found[1].starts_with("comms.toml:2:35: `clients.a.addresses[2]`: expected an address in quotes"), "{found:#?}");
        assert!(found[2].starts_with("comms.toml:4:13: `clients.b.addresses`: expected a list of addresses in quotes"), "{found:#?}");
    }
}
