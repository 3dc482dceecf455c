//! The server's process: life and death on the same files and ports.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::builder::RabbitMqBuilder;
use super::settings::{self, Name, Ports, Programs};
use crate::testing::servers::daemon::Daemon;
use crate::testing::servers::ports::Port;
use crate::testing::servers::process::Process;
use crate::testing::servers::program::Program;
use crate::testing::servers::sandbox::{Output, Sandbox};
use crate::testing::servers::url;
use crate::testing::servers::{Certificates, ServerError};

/// What the server logs when its boot is complete.
const BOOTED: &str = "Server startup complete";

/// What follows the first errors is Erlang's crash reports.
const ERROR: &str = "[error]";

/// A server with its directory.
///
/// The order of the fields is the order of dropping: the server, epmd (with the last of those that share it), then the directory.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) daemon: Daemon,
    pub(super) epmd: Arc<Epmd>,
    pub(super) sandbox: Sandbox,
    programs: Programs,
    ports: Ports,
    pub(super) name: Name,
    certificates: Option<Certificates>,
    pub(super) options: RabbitMqBuilder,
}

/// Erlang's port mapper, by which servers and `rabbitmqctl` find each other.
#[derive(Debug)]
pub(super) struct Epmd {
    _process: Process,
    port: Port,
}

impl Node {
    /// Makes the directory and all that stays the same over restarts.
    pub(super) fn prepare(options: RabbitMqBuilder) -> Result<Self, ServerError> {
        Self::prepare_as(options, Name::alone(), None)
    }

    /// The same for a server with a name, among others that share a port mapper.
    pub(super) fn prepare_as(options: RabbitMqBuilder, name: Name, epmd: Option<Arc<Epmd>>) -> Result<Self, ServerError> {
        let programs = Programs::find()?;
        let ports = Ports::reserve(options.tls)?;
        let sandbox = Sandbox::create_with_disk("rabbitmq", options.disk)?;
        let certificates = match options.tls {
            true => Some(Certificates::generate(sandbox.directory().join("tls"))?),
            false => None,
        };
        settings::write_files(&sandbox, &options, &ports, &name, certificates.as_ref())?;
        let epmd = match epmd {
            Some(epmd) => epmd,
            None => Arc::new(Epmd::start(&sandbox, &programs.epmd)?),
        };
        let shown = format!("RabbitMQ on {}", ports.amqp_address());
        Ok(Self {
            daemon: Daemon::new(shown, sandbox.directory(), options.deadline, Some(ERROR)),
            epmd,
            sandbox,
            programs,
            ports,
            name,
            certificates,
            options,
        })
    }

    /// Starts the process and waits until it accepts connections; does nothing when it runs.
    pub(super) fn start(&self) -> Result<(), ServerError> {
        self.daemon.start(|output| self.spawn(&self.programs.server, &[], output), || self.is_ready())
    }

    /// Starts `rabbitmqctl`.
    pub(super) fn spawn_ctl(&self, arguments: &[&str]) -> Result<Process, ServerError> {
        self.daemon.expect_running()?;
        self.spawn(&self.programs.ctl, arguments, Output::Piped)
    }

    fn spawn(&self, program: &Program, arguments: &[&str], output: Output<'_>) -> Result<Process, ServerError> {
        let environment = settings::environment(self.sandbox.directory(), &self.ports, &self.epmd.port, &self.name);
        self.sandbox.spawn(program, arguments, &environment, output)
    }

    /// Clients are let in a moment before the boot is complete; until then `rabbitmqctl` doesn't see
    /// the node as running and answers, for instance, that there are no queues. So both are awaited.
    fn is_ready(&self) -> bool {
        self.daemon.log_of_this_run().contains(BOOTED) && greets(self.address())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.ports.amqp_address()
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        self.ports.tls_address()
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
}

impl Epmd {
    /// In the foreground and before the server: the one that the server would start leaves our process
    /// group and outlives everything.
    fn start(sandbox: &Sandbox, program: &Program) -> Result<Self, ServerError> {
        let port = Port::reserve()?;
        let number = port.number().to_string();
        let arguments = ["-port", &number, "-address", "127.0.0.1"];
        let environment = [("PATH", settings::path())];
        let log = sandbox.directory().join("epmd.log");
        Ok(Self { _process: sandbox.spawn(program, &arguments, &environment, Output::Log(&log))?, port })
    }
}

/// Whether the server answers the AMQP 0-9-1 protocol header with a method frame
/// (`connection.start`). The listener opens after queues and vhosts are recovered.
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
