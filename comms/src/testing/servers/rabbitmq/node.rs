//! The server's process: files, environment, ports, life and death.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::builder::RabbitMqBuilder;
use super::url;
use crate::testing::servers::ports::Port;
use crate::testing::servers::process::{Process, poll};
use crate::testing::servers::program;
use crate::testing::servers::sandbox::{Output, Sandbox};
use crate::testing::servers::{Certificates, ServerError};

const INSTALL: &str = "Debian and Ubuntu: apt-get install rabbitmq-server";

/// How many lines of the log an error shows.
const LOG_LINES: usize = 30;

/// A server with its directory; it runs while `running` holds a process.
///
/// The order of the fields is the order of dropping: the server, epmd, then the directory.
#[derive(Debug)]
pub(super) struct Node {
    running: Mutex<Option<Process>>,
    _epmd: Process,
    pub(super) sandbox: Sandbox,
    pub(super) programs: Programs,
    ports: Ports,
    certificates: Option<Certificates>,
    pub(super) options: RabbitMqBuilder,
}

#[derive(Debug)]
pub(super) struct Programs {
    server: PathBuf,
    pub(super) ctl: PathBuf,
    epmd: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, ServerError> {
        let server = unwrapped(program::find("rabbitmq-server", INSTALL)?);
        Ok(Self {
            ctl: server.with_file_name("rabbitmqctl"),
            server,
            epmd: program::find("epmd", INSTALL)?,
        })
    }
}

/// Debian's `/usr/sbin/rabbitmq-server` is a wrapper that switches to the user `rabbitmq`, drops the
/// environment and refuses other users; the real script is beside it.
fn unwrapped(found: PathBuf) -> PathBuf {
    match found.canonicalize() {
        Ok(real) if real.ends_with("rabbitmq-script-wrapper") => {
            real.with_file_name("rabbitmq-server")
        }
        _ => found,
    }
}

#[derive(Debug)]
struct Ports {
    amqp: Port,
    tls: Option<Port>,
    epmd: Port,
    distribution: Port,
}

impl Ports {
    fn reserve(tls: bool) -> Result<Self, ServerError> {
        Ok(Self {
            amqp: Port::reserve()?,
            tls: if tls { Some(Port::reserve()?) } else { None },
            epmd: Port::reserve()?,
            distribution: Port::reserve()?,
        })
    }
}

impl Node {
    /// Makes the directory and all that stays the same over restarts.
    pub(super) fn prepare(options: RabbitMqBuilder) -> Result<Self, ServerError> {
        let programs = Programs::find()?;
        let ports = Ports::reserve(options.tls)?;
        let sandbox = Sandbox::create("rabbitmq")?;
        let certificates = match options.tls {
            true => Some(Certificates::generate(sandbox.directory().join("tls"))?),
            false => None,
        };
        let node = Self {
            running: Mutex::new(None),
            _epmd: start_epmd(&sandbox, &programs.epmd, &ports.epmd)?,
            sandbox,
            programs,
            ports,
            certificates,
            options,
        };
        node.write_files()?;
        Ok(node)
    }

    fn write_files(&self) -> Result<(), ServerError> {
        // Written beforehand, because server and rabbitmqctl would both make one when it is missing.
        let cookie = self.sandbox.write(".erlang.cookie", "COMMSTESTCOOKIE")?;
        owner_only(&cookie)?;
        let plugins = format!("[{}].\n", self.options.plugins.join(","));
        self.sandbox.write("enabled_plugins", &plugins)?;
        self.sandbox.write("rabbitmq.conf", &self.config())?;
        Ok(())
    }

    fn config(&self) -> String {
        let mut lines = vec![
            format!("listeners.tcp.1 = {}", self.address()),
            format!("default_user = {}", self.options.user),
            format!("default_pass = {}", self.options.password),
            "loopback_users = none".to_owned(),
            "disk_free_limit.absolute = 1MB".to_owned(),
            "log.console = true".to_owned(),
            "log.file = false".to_owned(),
        ];
        lines.extend(self.tls_config());
        lines.extend(self.options.config.iter().cloned());
        lines.join("\n") + "\n"
    }

    fn tls_config(&self) -> Vec<String> {
        let (Some(address), Some(files)) = (self.tls_address(), &self.certificates) else {
            return Vec::new();
        };
        let required = self.options.client_certificate_required;
        vec![
            format!("listeners.ssl.1 = {address}"),
            format!("ssl_options.cacertfile = {}", files.ca_path().display()),
            format!(
                "ssl_options.certfile = {}",
                files.server_certificate_path().display()
            ),
            format!(
                "ssl_options.keyfile = {}",
                files.server_key_path().display()
            ),
            "ssl_options.verify = verify_peer".to_owned(),
            format!("ssl_options.fail_if_no_peer_cert = {required}"),
        ]
    }

    /// The whole environment, for the server and for `rabbitmqctl`: nothing of the user's own
    /// RabbitMQ may leak in.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.sandbox.directory().join(name).display().to_string();
        let distribution = self.ports.distribution.number().to_string();
        vec![
            ("PATH", path()),
            ("LANG", "C.UTF-8".to_owned()),
            ("HOME", file("")),
            ("ERL_EPMD_PORT", self.ports.epmd.number().to_string()),
            ("ERL_EPMD_ADDRESS", Ipv4Addr::LOCALHOST.to_string()),
            ("RABBITMQ_NODENAME", "comms@localhost".to_owned()),
            ("RABBITMQ_DIST_PORT", distribution),
            // Any free port: the default is a range of eleven for the whole machine.
            ("RABBITMQ_CTL_DIST_PORT_MIN", "0".to_owned()),
            ("RABBITMQ_CTL_DIST_PORT_MAX", "0".to_owned()),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("RABBITMQ_CONFIG_FILE", file("rabbitmq")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", file("generated")),
            ("RABBITMQ_FEATURE_FLAGS_FILE", file("feature_flags")),
            ("RABBITMQ_MNESIA_BASE", file("data")),
            ("RABBITMQ_LOG_BASE", file("logs")),
            ("RABBITMQ_LOGS", "-".to_owned()),
            ("RABBITMQ_PID_FILE", file("server.pid")),
            // With this the script *becomes* the server instead of staying as its parent, so that
            // the process we hold is the one to kill; what it would have added is added here.
            ("RABBITMQ_ALLOW_INPUT", "1".to_owned()),
            ("RABBITMQ_SERVER_START_ARGS", "-noinput +B i".to_owned()),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                ON_LOOPBACK.to_owned(),
            ),
        ]
    }

    /// Starts the process and waits until it accepts connections; does nothing when it runs.
    pub(super) fn start(&self) -> Result<(), ServerError> {
        let mut running = self.running();
        if let Some(server) = running.as_mut()
            && server.try_wait()?.is_none()
        {
            return Ok(());
        }
        let log = self.log_path();
        let output = Output::Log(&log);
        let environment = self.environment();
        let mut server = self
            .sandbox
            .spawn(&self.programs.server, &[], &environment, output)?;
        self.await_ready(&mut server)?;
        *running = Some(server);
        Ok(())
    }

    fn await_ready(&self, server: &mut Process) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.options.deadline;
        let ready = poll(Some(deadline), || match server.try_wait()? {
            Some(status) => Err(self.exited(status)),
            None => Ok(greets(self.address()).then_some(())),
        })?;
        ready.ok_or_else(|| self.timeout(format!("{} becoming ready", self.name())))
    }

    pub(super) fn kill(&self) -> Result<(), ServerError> {
        match self.running().take() {
            Some(mut server) => server.kill(),
            None => Ok(()),
        }
    }

    pub(super) fn stop(&self) -> Result<(), ServerError> {
        let Some(mut server) = self.running().take() else {
            return Ok(());
        };
        server.signal("TERM")?;
        server.signal("CONT")?; // one that is paused would never see the first
        let ended = server.wait_until(Instant::now() + self.options.deadline)?;
        match ended {
            Some(_) => Ok(()),
            None => Err(self.timeout(format!("the graceful stop of {}", self.name()))),
        }
    }

    pub(super) fn signal(&self, name: &str) -> Result<(), ServerError> {
        self.running()
            .as_ref()
            .ok_or_else(|| self.not_running())?
            .signal(name)
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Process::pid)
    }

    pub(super) fn amqp_port(&self) -> u16 {
        self.ports.amqp.number()
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.amqp_port()).into()
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        let port = self.ports.tls.as_ref()?;
        Some((Ipv4Addr::LOCALHOST, port.number()).into())
    }

    pub(super) fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    pub(super) fn url(&self, scheme: &str, address: SocketAddr, vhost: &str) -> String {
        let user = url::encode(&self.options.user);
        let password = url::encode(&self.options.password);
        let vhost = url::encode(vhost);
        format!("{scheme}://{user}:{password}@{address}/{vhost}")
    }

    pub(super) fn log(&self) -> String {
        let text = fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    pub(super) fn not_running(&self) -> ServerError {
        ServerError::NotRunning {
            server: self.name(),
        }
    }

    fn exited(&self, status: std::process::ExitStatus) -> ServerError {
        ServerError::Exited {
            server: self.name(),
            status,
            log: self.log(),
        }
    }

    fn timeout(&self, what: String) -> ServerError {
        ServerError::Timeout {
            what,
            after: self.options.deadline,
            log: self.log(),
        }
    }

    fn name(&self) -> String {
        format!("RabbitMQ on {}", self.address())
    }

    fn log_path(&self) -> PathBuf {
        self.sandbox.directory().join("server.log")
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Erlang's distribution would listen on every interface.
const ON_LOOPBACK: &str = "-kernel inet_dist_use_interface {127,0,0,1}";

/// Erlang's port mapper, in the foreground and before the server: the one that the server would
/// start leaves our process group and outlives everything.
fn start_epmd(sandbox: &Sandbox, epmd: &Path, port: &Port) -> Result<Process, ServerError> {
    let number = port.number().to_string();
    let arguments = ["-port", &number, "-address", "127.0.0.1"];
    let environment = [("PATH", path())];
    let log = sandbox.directory().join("epmd.log");
    sandbox.spawn(epmd, &arguments, &environment, Output::Log(&log))
}

/// The user's PATH; an Erlang or a RabbitMQ outside it was found beside it.
fn path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())
}

fn owner_only(path: &Path) -> Result<(), ServerError> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::Permissions::from_mode(0o400);
    fs::set_permissions(path, permissions).map_err(|source| ServerError::Io {
        action: format!("protect {}", path.display()),
        source,
    })
}

/// Whether the server answers the AMQP 0-9-1 protocol header with a method frame
/// (`connection.start`). The listener opens last, when queues and vhosts are recovered.
pub(super) fn greets(address: SocketAddr) -> bool {
    let patience = Duration::from_secs(2);
    let greet = || -> std::io::Result<u8> {
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let mut frame_type = [0];
        stream.read_exact(&mut frame_type)?;
        Ok(frame_type[0])
    };
    matches!(greet(), Ok(1))
}
