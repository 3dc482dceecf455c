//! The broker's process, its files and ports.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::builder::KafkaBuilder;
use super::jars;
use super::settings::{self, Seat};
use crate::testing::servers::daemon::Daemon;
use crate::testing::servers::process::Process;
use crate::testing::servers::program::{self, Program};
use crate::testing::servers::sandbox::{Output, Sandbox};
use crate::testing::servers::{Certificates, ServerError, engine, url};

const INSTALL: &str = "Debian and Ubuntu: apt-get install default-jre-headless; Java 17 or newer";

/// What the broker logs when its boot is complete.
const BOOTED: &str = "Kafka Server started";

/// What marks the reason in the log when a start fails.
const ERROR: &str = "Exception";

/// A broker with its directory.
///
/// The order of the fields is the order of dropping: the broker, then the directory.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) daemon: Daemon,
    pub(super) sandbox: Sandbox,
    java: Program,
    jars: PathBuf,
    seat: Seat,
    certificates: Option<Certificates>,
    options: KafkaBuilder,
}

impl Node {
    /// Makes the directory and all that stays the same over restarts.
    pub(super) fn prepare(options: KafkaBuilder, seat: Seat) -> Result<Self, ServerError> {
        let mut java = program::find("java", INSTALL, engine::JAVA)?;
        let jars = jars::find()?;
        java.container = java.container.map(|container| container.sharing(&jars));
        let sandbox = Sandbox::create_with_disk("kafka", options.disk)?;
        let certificates = match options.tls {
            true => Some(Certificates::generate(sandbox.directory().join("tls"))?),
            false => None,
        };
        let name = format!("Kafka on {}", seat.address());
        let daemon = Daemon::new(name, sandbox.directory(), options.deadline, Some(ERROR));
        let node = Self { daemon, sandbox, java, jars, seat, certificates, options };
        settings::write_files(&node.sandbox, &node.options, &node.seat, node.certificates.as_ref())?;
        node.format()?;
        Ok(node)
    }

    /// What a broker expects to find in its directory: made by Kafka's own tool, once for each process, since a virtual machine
    /// has to be started for it; a user's password is part of it.
    fn format(&self) -> Result<(), ServerError> {
        static MADE: Mutex<Option<settings::Formatted>> = Mutex::new(None);
        if self.options.user.is_some() {
            return self.run_storage_tool();
        }
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if made.is_none() {
            self.run_storage_tool()?;
            *made = Some(settings::Formatted::read(&self.sandbox)?);
        }
        made.as_ref().map_or(Ok(()), |made| made.write(&self.sandbox, self.seat.id))
    }

    fn run_storage_tool(&self) -> Result<(), ServerError> {
        let mut arguments =
            ["kafka.tools.StorageTool", "format", "-t", settings::CLUSTER, "-c", "server.properties"].map(str::to_owned).to_vec();
        if let Some((user, password)) = &self.options.user {
            for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
                arguments.extend(["--add-scram".to_owned(), format!("{mechanism}=[name={user},password={password}]")]);
            }
        }
        let ran = self.spawn_java(&arguments, Output::Piped)?.output()?;
        if ran.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
        Err(ServerError::Command { command: "kafka.tools.StorageTool format".to_owned(), status: ran.status, output })
    }

    fn spawn_java(&self, arguments: &[String], output: Output<'_>) -> Result<Process, ServerError> {
        let mut all: Vec<String> = settings::JAVA.map(str::to_owned).to_vec();
        let archive = self.jars.join("classes.jsa");
        // It is good for the Java that wrote it only.
        if archive.exists() && self.java.container.is_none() {
            all.push(format!("-XX:SharedArchiveFile={}", archive.display()));
        }
        all.extend(["-cp".to_owned(), format!("{}/*", self.jars.display())]);
        all.extend_from_slice(arguments);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        self.sandbox.spawn(&self.java, &all, &settings::environment(), output)
    }

    /// Starts the process and waits until it answers; does nothing when it runs.
    pub(super) fn start(&self) -> Result<(), ServerError> {
        self.launch(|| self.is_ready())
    }

    /// Starts the process without waiting: a cluster's brokers wait for each other.
    pub(super) fn begin(&self) -> Result<(), ServerError> {
        self.launch(|| true)
    }

    fn launch(&self, is_ready: impl Fn() -> bool) -> Result<(), ServerError> {
        let arguments = ["kafka.Kafka", "server.properties"].map(str::to_owned);
        self.daemon.start(|output| self.spawn_java(&arguments, output), is_ready)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.daemon.log_of_this_run().contains(BOOTED) && answers(self.address())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.seat.address()
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        self.seat.tls_address()
    }

    pub(super) fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    pub(super) fn sasl_url(&self) -> Option<String> {
        let (user, password) = self.options.user.as_ref()?;
        Some(format!("kafka://{}:{}@{}/", url::encode(user), url::encode(password), self.seat.sasl_address()?))
    }
}

/// Whether requests are served: asks for the versions of the protocol, which needs no authentication.
pub(super) fn answers(address: SocketAddr) -> bool {
    const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let patience = Duration::from_secs(2);
    let ask = || -> std::io::Result<[u8; 8]> {
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(&API_VERSIONS)?;
        let mut answer = [0; 8];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    matches!(ask(), Ok([_, _, _, _, 0, 0, 0, 7]))
}
