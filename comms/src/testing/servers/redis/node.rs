//! The server's process, its files and ports.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::builder::RedisBuilder;
use crate::testing::servers::daemon::Daemon;
use crate::testing::servers::ports::Port;
use crate::testing::servers::program::{self, Program};
use crate::testing::servers::sandbox::{Output, Sandbox};
use crate::testing::servers::{Certificates, ServerError, engine, url};

const INSTALL: &str = "Debian and Ubuntu: apt-get install redis-server";

/// A server with its directory.
///
/// The order of the fields is the order of dropping: the server, then the directory.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) daemon: Daemon,
    pub(super) sandbox: Sandbox,
    program: Program,
    client: Program,
    port: Port,
    tls_port: Option<Port>,
    certificates: Option<Certificates>,
    options: RedisBuilder,
}

impl Node {
    /// Makes the directory and all that stays the same over restarts.
    pub(super) fn prepare(options: RedisBuilder) -> Result<Self, ServerError> {
        let program = program::find("redis-server", INSTALL, engine::REDIS)?;
        let client = program::find("redis-cli", INSTALL, engine::REDIS)?;
        let port = Port::reserve()?;
        let tls_port = if options.tls { Some(Port::reserve()?) } else { None };
        let sandbox = Sandbox::create_with_disk("redis", options.disk)?;
        let certificates = match (options.tls, &options.shared_certificates) {
            (true, Some(shared)) => Some(shared.clone()),
            (true, None) => Some(Certificates::generate(sandbox.directory().join("tls"))?),
            (false, _) => None,
        };
        let name = format!("Redis on 127.0.0.1:{}", port.number());
        let daemon = Daemon::new(name, sandbox.directory(), options.deadline, None);
        let node = Self { daemon, sandbox, program, client, port, tls_port, certificates, options };
        node.sandbox.write("redis.conf", &(node.config().join("\n") + "\n"))?;
        Ok(node)
    }

    fn config(&self) -> Vec<String> {
        let mut lines = if self.options.is_sentinel { self.sentinel_config() } else { self.server_config() };
        lines.extend(self.tls_config());
        lines.extend(self.options.config.iter().cloned());
        lines
    }

    fn server_config(&self) -> Vec<String> {
        let (options, only_if) = (&self.options, |on: bool| if on { "yes" } else { "no" });
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("port {}", self.port.number()),
            format!("dir {}{}", self.sandbox.directory().display(), if options.disk.is_some() { "/data" } else { "" }),
            "daemonize no".to_owned(),
            // A replica gets its data at once.
            "repl-diskless-sync-delay 0".to_owned(),
            "save \"\"".to_owned(),
            format!("appendonly {}", only_if(options.persistent)),
            "appendfsync always".to_owned(),
            format!("user default on >{} ~* &* +@all", options.password),
        ];
        lines.extend(options.users.iter().map(|rule| format!("user {rule}")));
        lines
    }

    fn sentinel_config(&self) -> Vec<String> {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("port {}", self.port.number()),
            format!("dir {}", self.sandbox.directory().display()),
        ];
        if let Some(password) = self.password() {
            lines.push(format!("requirepass {password}"));
        }
        lines.extend(self.options.users.iter().map(|rule| format!("user {rule}")));
        lines
    }

    fn tls_config(&self) -> Vec<String> {
        let (Some(port), Some(files)) = (&self.tls_port, &self.certificates) else { return Vec::new() };
        vec![
            format!("tls-port {}", port.number()),
            format!("tls-cert-file {}", files.server_certificate_path().display()),
            format!("tls-key-file {}", files.server_key_path().display()),
            // As a replica, and to other nodes, it is a client itself.
            format!("tls-client-cert-file {}", files.client_certificate_path().display()),
            format!("tls-client-key-file {}", files.client_key_path().display()),
            format!("tls-ca-cert-file {}", files.ca_path().display()),
            format!("tls-auth-clients {}", if self.options.client_certificate_required { "yes" } else { "optional" }),
        ]
    }

    /// Starts the process and waits until it answers; does nothing when it runs.
    pub(super) fn start(&self) -> Result<(), ServerError> {
        let arguments: &[&str] = if self.options.is_sentinel { &["redis.conf", "--sentinel"] } else { &["redis.conf"] };
        self.daemon.start(|output| self.sandbox.spawn(&self.program, arguments, &environment(), output), || self.answers())
    }

    /// Runs `redis-cli` as the user `default` and returns what it printed.
    pub(super) fn cli(&self, arguments: &[String]) -> Result<String, ServerError> {
        self.daemon.expect_running()?;
        let port = self.port.number().to_string();
        let mut all = vec!["-h", "127.0.0.1", "-p", &port];
        if let Some(password) = self.password() {
            all.extend(["--no-auth-warning", "-a", password]);
        }
        all.extend(arguments.iter().map(String::as_str));
        let ran = self.sandbox.spawn(&self.client, &all, &environment(), Output::Piped)?.output()?;
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
        if ran.status.success() {
            return Ok(printed);
        }
        let output = String::from_utf8_lossy(&ran.stderr).into_owned() + &printed;
        Err(ServerError::Command { command: format!("redis-cli {}", arguments.join(" ")), status: ran.status, output })
    }

    /// Whether the data is loaded and commands are answered.
    pub(super) fn answers(&self) -> bool {
        match self.password() {
            None => matches!(ask_openly(self.address()), Ok(answer) if answer == *b"+PONG\r\n"),
            Some(password) => matches!(ask(self.address(), password), Ok(answer) if answer == *EXPECTED),
        }
    }

    /// Sentinels may have none.
    fn password(&self) -> Option<&str> {
        Some(self.options.password.as_str()).filter(|password| !password.is_empty())
    }

    pub(super) fn options(&self) -> &RedisBuilder {
        &self.options
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        Some((Ipv4Addr::LOCALHOST, self.tls_port.as_ref()?.number()).into())
    }

    pub(super) fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    pub(super) fn url(&self, scheme: &str, address: SocketAddr, database: u32) -> String {
        format!("{scheme}://default:{}@{address}/{database}", url::encode(&self.options.password))
    }
}

/// Nothing but what the programs need: no settings of the user's own `redis-cli`.
fn environment() -> [(&'static str, String); 2] {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    [("PATH", path), ("LANG", "C.UTF-8".to_owned())]
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

const EXPECTED: &[u8; 12] = b"+OK\r\n+PONG\r\n";

/// Says `PING` without logging in.
fn ask_openly(address: SocketAddr) -> std::io::Result<[u8; 7]> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Logs in and says `PING`.
fn ask(address: SocketAddr, password: &str) -> std::io::Result<[u8; EXPECTED.len()]> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n*1\r\n$4\r\nPING\r\n", password.len())?;
    let mut answer = [0; EXPECTED.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
