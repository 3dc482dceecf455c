//! Runs the clients of other languages that tests talk to.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use comms::testing::servers::RabbitMq;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long a client may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The Python that has the AMQP client `pika`.
///
/// # Panics
/// When there is none; says how to install it.
pub async fn python() -> String {
    let given = std::env::var("COMMS_TEST_PYTHON").ok();
    let candidates = given.map_or_else(|| vec!["python3".to_owned(), "/usr/bin/python3".to_owned()], |python| vec![python]);
    for python in &candidates {
        let found = Command::new(python).args(["-c", "import pika"]).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        if found.is_ok_and(|status| status.success()) {
            return python.clone();
        }
    }
    panic!(
        "no Python with the module `pika`: tried {}. Run `./test --install`, or on Debian and Ubuntu `apt-get install python3-pika`, or name one that has it in COMMS_TEST_PYTHON",
        candidates.join(", ")
    );
}

/// The Python that has the Kafka client `kafka-python`.
///
/// # Panics
/// When nothing says which; says how to install it.
#[must_use]
pub fn kafka_python() -> String {
    let hint =
        "COMMS_TEST_KAFKA_PYTHON is not set: run the tests by `./test`, or set it to what `tests/servers/install-kafka-python` prints";
    std::env::var("COMMS_TEST_KAFKA_PYTHON").unwrap_or_else(|_| panic!("{hint}"))
}

/// A running script.
#[derive(Debug)]
pub struct Script {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Script {
    /// Starts the script of `scripts/` with the address of the server and these arguments.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start(name: &str, server: &RabbitMq, arguments: &[&str]) -> Self {
        Self::start_by(&python().await, name, server.address(), arguments).await
    }

    /// The same by this Python, with a server at the address.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start_by(python: &str, name: &str, address: SocketAddr, arguments: &[&str]) -> Self {
        let mut command = Command::new(python);
        command.arg(format!("{}/scripts/{name}", env!("CARGO_MANIFEST_DIR")));
        command.args([address.ip().to_string(), address.port().to_string()]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("could not start {name}: {error}"));
        let output = child.stdout.take().unwrap_or_else(|| panic!("its output is piped"));
        Self { child, lines: BufReader::new(output).lines() }
    }

    /// Its next line.
    ///
    /// # Panics
    /// When none comes; what the script said on its standard error is shown with the test's.
    pub async fn line(&mut self) -> String {
        match tokio::time::timeout(PATIENCE, self.lines.next_line()).await {
            Ok(Ok(Some(line))) => line,
            other => panic!("the script printed no further line: {other:?}"),
        }
    }

    /// Hands it a value and waits until it has ended well.
    ///
    /// # Panics
    /// When it fails.
    pub async fn give(mut self, value: &Value) {
        let mut input = self.child.stdin.take().unwrap_or_else(|| panic!("its input is piped"));
        input.write_all(value.to_string().as_bytes()).await.unwrap_or_else(|error| panic!("the script does not read: {error}"));
        drop(input);
        self.end().await;
    }

    /// Waits until it has ended well.
    ///
    /// # Panics
    /// When it fails.
    pub async fn end(mut self) {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => {}
            other => panic!("the script failed: {other:?}"),
        }
    }
}
