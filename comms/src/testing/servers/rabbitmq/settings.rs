//! What a server is given: its programs, ports, configuration file and environment.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::builder::RabbitMqBuilder;
use crate::testing::servers::error::Attempt;
use crate::testing::servers::ports::Port;
use crate::testing::servers::program::{self, Program};
use crate::testing::servers::sandbox::Sandbox;
use crate::testing::servers::{Certificates, ServerError, engine};

const INSTALL: &str = "Debian and Ubuntu: apt-get install rabbitmq-server";

/// Erlang's distribution would listen on every interface.
const DISTRIBUTION_ON_LOOPBACK: &str = "-kernel inet_dist_use_interface {127,0,0,1}";

#[derive(Debug)]
pub(super) struct Programs {
    pub(super) server: Program,
    pub(super) ctl: Program,
    pub(super) epmd: Program,
}

impl Programs {
    pub(super) fn find() -> Result<Self, ServerError> {
        let find = |name| program::find(name, INSTALL, engine::RABBITMQ);
        let mut server = find("rabbitmq-server")?;
        server.path = unwrapped(server.path);
        Ok(Self { ctl: server.beside("rabbitmqctl"), server, epmd: find("epmd")? })
    }
}

/// Debian's `/usr/sbin/rabbitmq-server` is a wrapper that switches to the user `rabbitmq`, drops the
/// environment and refuses other users; the real script is beside it.
fn unwrapped(found: PathBuf) -> PathBuf {
    match found.canonicalize() {
        Ok(real) if real.ends_with("rabbitmq-script-wrapper") => real.with_file_name("rabbitmq-server"),
        _ => found,
    }
}

/// Reserved for as long as the server's value lives, so that a restart finds them free.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) amqp: Port,
    tls: Option<Port>,
    distribution: Port,
}

impl Ports {
    pub(super) fn reserve(tls: bool) -> Result<Self, ServerError> {
        Ok(Self { amqp: Port::reserve()?, tls: if tls { Some(Port::reserve()?) } else { None }, distribution: Port::reserve()? })
    }

    pub(super) fn amqp_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.amqp.number()).into()
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        let port = self.tls.as_ref()?;
        Some((Ipv4Addr::LOCALHOST, port.number()).into())
    }
}

/// A server's name among those that share a port mapper.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// `comms@localhost`.
    pub(super) own: String,
    /// The member that it asks to be taken in; itself, where it is the first or alone.
    pub(super) first: String,
}

impl Name {
    pub(super) fn alone() -> Self {
        Self { own: "comms@localhost".to_owned(), first: "comms@localhost".to_owned() }
    }

    /// Of the member with this number, from 0.
    pub(super) fn of_member(index: usize) -> Self {
        Self { own: format!("comms-{index}@localhost"), first: "comms-0@localhost".to_owned() }
    }

    /// Each lists the first one and itself: so there is one that all others join, and never two clusters.
    fn config(&self) -> Vec<String> {
        if self.own == self.first {
            return Vec::new();
        }
        vec![
            "cluster_formation.peer_discovery_backend = classic_config".to_owned(),
            format!("cluster_formation.classic_config.nodes.1 = {}", self.first),
            format!("cluster_formation.classic_config.nodes.2 = {}", self.own),
        ]
    }
}

/// Writes the files that the environment points at.
pub(super) fn write_files(
    sandbox: &Sandbox,
    options: &RabbitMqBuilder,
    ports: &Ports,
    name: &Name,
    certificates: Option<&Certificates>,
) -> Result<(), ServerError> {
    // Written beforehand, because server and rabbitmqctl would both make one when it is missing.
    let cookie = sandbox.write(".erlang.cookie", "COMMSTESTCOOKIE")?;
    owner_only(&cookie)?;
    let plugins = format!("[{}].\n", options.plugins.join(","));
    sandbox.write("enabled_plugins", &plugins)?;
    let mut lines = basic_config(options, ports);
    if let (Some(address), Some(files)) = (ports.tls_address(), certificates) {
        lines.extend(tls_config(options, address, files));
    }
    lines.extend(name.config());
    lines.extend(options.config.iter().cloned());
    sandbox.write("rabbitmq.conf", &(lines.join("\n") + "\n"))?;
    Ok(())
}

fn basic_config(options: &RabbitMqBuilder, ports: &Ports) -> Vec<String> {
    vec![
        format!("listeners.tcp.1 = {}", ports.amqp_address()),
        format!("default_user = {}", options.user),
        format!("default_pass = {}", options.password),
        "loopback_users = none".to_owned(),
        format!("disk_free_limit.absolute = {}", if options.disk.is_some() { "16MiB" } else { "1MB" }),
        "log.console = true".to_owned(),
        "log.file = false".to_owned(),
    ]
}

fn tls_config(options: &RabbitMqBuilder, address: SocketAddr, files: &Certificates) -> Vec<String> {
    let certificate = files.server_certificate_path();
    let required = options.client_certificate_required;
    vec![
        format!("listeners.ssl.1 = {address}"),
        format!("ssl_options.cacertfile = {}", files.ca_path().display()),
        format!("ssl_options.certfile = {}", certificate.display()),
        format!("ssl_options.keyfile = {}", files.server_key_path().display()),
        "ssl_options.verify = verify_peer".to_owned(),
        format!("ssl_options.fail_if_no_peer_cert = {required}"),
    ]
}

/// The whole environment, for the server and for `rabbitmqctl`: nothing of the user's own RabbitMQ
/// may leak in.
pub(super) fn environment(directory: &Path, ports: &Ports, epmd: &Port, name: &Name) -> Vec<(&'static str, String)> {
    let file = |name: &str| directory.join(name).display().to_string();
    vec![
        ("PATH", path()),
        ("LANG", "C.UTF-8".to_owned()),
        ("HOME", directory.display().to_string()),
        ("ERL_EPMD_PORT", epmd.number().to_string()),
        ("ERL_EPMD_ADDRESS", Ipv4Addr::LOCALHOST.to_string()),
        ("RABBITMQ_NODENAME", name.own.clone()),
        ("RABBITMQ_DIST_PORT", ports.distribution.number().to_string()),
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
        // With this the script *becomes* the server instead of staying as its parent, so that the
        // process we hold is the one to kill; what it would have added is added here.
        ("RABBITMQ_ALLOW_INPUT", "1".to_owned()),
        ("RABBITMQ_SERVER_START_ARGS", "-noinput +B i".to_owned()),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", DISTRIBUTION_ON_LOOPBACK.to_owned()),
        // A server that fails to start would spend seconds on it.
        ("ERL_CRASH_DUMP_SECONDS", "0".to_owned()),
    ]
}

/// The user's PATH, by which the scripts find Erlang.
pub(super) fn path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())
}

fn owner_only(path: &Path) -> Result<(), ServerError> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::Permissions::from_mode(0o400);
    fs::set_permissions(path, permissions).attempt(|| format!("protect {}", path.display()))
}
