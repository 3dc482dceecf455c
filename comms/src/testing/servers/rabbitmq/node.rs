//! The server's process: life and death on the same files and ports.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::builder::RabbitMqBuilder;
use super::settings::{self, Ports, Programs};
use super::url;
use crate::testing::servers::ports::Port;
use crate::testing::servers::process::{Process, poll};
use crate::testing::servers::sandbox::{Output, Sandbox};
use crate::testing::servers::{Certificates, ServerError};

/// What the server logs when its boot is complete.
const BOOTED: &str = "Server startup complete";

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
    programs: Programs,
    ports: Ports,
    certificates: Option<Certificates>,
    pub(super) options: RabbitMqBuilder,
    /// Where in the log the present run begins, in bytes.
    log_start: AtomicUsize,
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
        settings::write_files(&sandbox, &options, &ports, certificates.as_ref())?;
        Ok(Self {
            running: Mutex::new(None),
            _epmd: start_epmd(&sandbox, &programs.epmd, &ports.epmd)?,
            sandbox,
            programs,
            ports,
            certificates,
            options,
            log_start: AtomicUsize::new(0),
        })
    }

    /// Starts the process and waits until it accepts connections; does nothing when it runs.
    pub(super) fn start(&self) -> Result<(), ServerError> {
        let mut running = self.running();
        if let Some(server) = running.as_mut()
            && server.try_wait()?.is_none()
        {
            return Ok(());
        }
        self.log_start.store(self.log_bytes().len(), Ordering::Relaxed);
        let mut server = self.spawn(&self.programs.server, &[], Output::Log(&self.log_path()))?;
        self.await_ready(&mut server)?;
        *running = Some(server);
        Ok(())
    }

    /// Starts `rabbitmqctl`.
    pub(super) fn spawn_ctl(&self, arguments: &[&str]) -> Result<Process, ServerError> {
        if self.running().is_none() {
            return Err(self.not_running());
        }
        self.spawn(&self.programs.ctl, arguments, Output::Piped)
    }

    fn spawn(&self, program: &Path, arguments: &[&str], output: Output<'_>) -> Result<Process, ServerError> {
        let environment = settings::environment(self.sandbox.directory(), &self.ports);
        self.sandbox.spawn(program, arguments, &environment, output)
    }

    fn await_ready(&self, server: &mut Process) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.options.deadline;
        let ready = poll(Some(deadline), || match server.try_wait()? {
            Some(status) => Err(self.exited(status)),
            None => Ok(self.is_ready().then_some(())),
        })?;
        ready.ok_or_else(|| self.timeout(format!("{} becoming ready", self.name())))
    }

    /// Clients are let in a moment before the boot is complete; until then `rabbitmqctl` doesn't see
    /// the node as running and answers, for instance, that there are no queues. So both are awaited.
    fn is_ready(&self) -> bool {
        self.log_of_this_run().contains(BOOTED) && greets(self.address())
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
        if server.try_wait()?.is_some() {
            return Ok(());
        }
        server.signal("TERM")?;
        server.signal("CONT")?; // one that is paused would never see the first
        let ended = server.wait_until(Instant::now() + self.options.deadline)?;
        match ended {
            Some(_) => Ok(()),
            None => Err(self.timeout(format!("the graceful stop of {}", self.name()))),
        }
    }

    pub(super) fn signal(&self, name: &str) -> Result<(), ServerError> {
        self.running().as_ref().ok_or_else(|| self.not_running())?.signal(name)
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Process::pid)
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

    /// The end of the present run's log.
    pub(super) fn log(&self) -> String {
        let text = self.log_of_this_run();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// The first errors of the present run (what follows them is Erlang's crash reports), or the
    /// log's end when there is none.
    fn log_of_failure(&self) -> String {
        let text = self.log_of_this_run();
        let errors = text.lines().filter(|line| line.contains("[error]"));
        let errors: Vec<_> = errors.take(LOG_LINES).collect();
        match errors.is_empty() {
            true => self.log(),
            false => errors.join("\n"),
        }
    }

    fn log_of_this_run(&self) -> String {
        let bytes = self.log_bytes();
        let start = self.log_start.load(Ordering::Relaxed).min(bytes.len());
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    fn log_bytes(&self) -> Vec<u8> {
        fs::read(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.sandbox.directory().join("server.log")
    }

    fn not_running(&self) -> ServerError {
        ServerError::NotRunning { server: self.name() }
    }

    fn exited(&self, status: ExitStatus) -> ServerError {
        ServerError::Exited { server: self.name(), status, log: self.log_of_failure() }
    }

    fn timeout(&self, what: String) -> ServerError {
        ServerError::Timeout { what, after: self.options.deadline, log: self.log_of_failure() }
    }

    fn name(&self) -> String {
        format!("RabbitMQ on {}", self.address())
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Erlang's port mapper, in the foreground and before the server: the one that the server would
/// start leaves our process group and outlives everything.
fn start_epmd(sandbox: &Sandbox, epmd: &Path, port: &Port) -> Result<Process, ServerError> {
    let number = port.number().to_string();
    let arguments = ["-port", &number, "-address", "127.0.0.1"];
    let environment = [("PATH", settings::path())];
    let log = sandbox.directory().join("epmd.log");
    sandbox.spawn(epmd, &arguments, &environment, Output::Log(&log))
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
