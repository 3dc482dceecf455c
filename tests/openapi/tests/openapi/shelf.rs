//! The example: what it prints, and a process of it at work.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The document as it was blessed.
pub(crate) fn sample() -> PathBuf {
    folder().join("sample.json")
}

/// Runs a command of the binary.
pub(crate) fn command(arguments: &[&str]) -> Output {
    shelf().args(arguments).output().expect("the binary runs")
}

/// The binary, to be run with more than arguments.
pub(crate) fn shelf() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shelf"));
    command.current_dir(folder()).env_remove("COMMS_CONFIG").env_remove("COMMS_PROFILE");
    command
}

/// A process at work, gone when dropped.
pub(crate) struct Shelf {
    process: Child,
    pub(crate) http: String,
    pub(crate) admin: String,
}

impl Shelf {
    pub(crate) fn start() -> Self {
        let mut command = shelf();
        command.env("COMMS__HTTP__ADDRESS", "127.0.0.1:0").env("COMMS__ADMIN__ADDRESS", "127.0.0.1:0");
        let mut process = command.env("COMMS__LOG__FORMAT", "json").stderr(Stdio::piped()).spawn().expect("the binary runs");
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
        let address = |name: &str| running[name].as_str().map(|address| format!("http://{address}")).expect("it says where it listens");
        let (http, admin) = (address("http"), address("admin"));
        Self { process, http, admin }
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // It may have ended by itself; the test has failed then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The body of what a path answers.
pub(crate) fn fetch(base: &str, path: &str) -> String {
    let host = base.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it can have one");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}
