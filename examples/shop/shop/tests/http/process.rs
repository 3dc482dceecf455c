//! The whole shop as a process, on free ports.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use comms::testing::servers::Port;
use serde_json::Value;

/// The shop at work, gone when dropped.
pub(crate) struct Shop {
    process: Child,
    pub(crate) http: String,
    pub(crate) admin: String,
    _port: Port,
}

impl Shop {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more in its environment.
    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        let port = Port::reserve().expect("a port");
        let http = format!("127.0.0.1:{}", port.number());
        let mut command = program(env!("CARGO_BIN_EXE_shop"));
        command
            .env("COMMS__HTTP__ADDRESS", &http)
            .env("COMMS__ADMIN__ADDRESS", "127.0.0.1:0")
            .env("COMMS__CLIENTS__PAYMENT_PROVIDER__ADDRESSES", format!("http://{http}"))
            .env("COMMS__LOG__FORMAT", "json")
            .envs(environment.iter().copied());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let mut seen = Vec::new();
        let running = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let said: Option<Value> = serde_json::from_str(&line).ok();
            seen.push(line);
            said.filter(|said| said["message"] == "running")
        });
        let running = running.unwrap_or_else(|| panic!("it did not start: {}", seen.join("\n")));
        // Whoever stops reading stops the process, once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let admin = running["admin"].as_str().expect("it says where it listens").to_owned();
        Self { process, http, admin, _port: port }
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().expect("`kill` runs");
        assert!(asked.success());
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("it can be asked")
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended by itself; the test has failed then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A binary, in a folder without a configuration.
pub(crate) fn program(binary: &str) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(scratch()).env_remove("COMMS_CONFIG").env_remove("COMMS_PROFILE");
    command
}

/// What a command of a binary prints.
pub(crate) fn printed(binary: &str, arguments: &[&str]) -> String {
    let output = program(binary).args(arguments).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Everything that a program said.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The Python that has the tools; `COMMS_TEST_OPENAPI_PYTHON` names it.
pub(crate) fn python(module: &str) -> Command {
    let python = std::env::var("COMMS_TEST_OPENAPI_PYTHON").unwrap_or_default();
    assert!(
        !python.is_empty(),
        "COMMS_TEST_OPENAPI_PYTHON is not set: run this through `./test`, or with `COMMS_TEST_OPENAPI_PYTHON=$(tests/servers/install-openapi-python)`"
    );
    let mut command = Command::new(python);
    command.args(["-m", module]);
    command
}

/// A folder to write into.
pub(crate) fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}
