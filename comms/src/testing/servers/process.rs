//! One process of a [`Sandbox`](super::sandbox::Sandbox): signals, waiting, and no zombies.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::ServerError;
use super::error::Attempt;

/// How often a condition is looked at again.
const INTERVAL: Duration = Duration::from_millis(20);

/// A child process, killed and reaped when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Option<Child>,
    /// The child is the client of a container engine, and ends when the program does.
    is_contained: bool,
    pid: u32,
    pid_file: PathBuf,
}

impl Process {
    /// `is_contained` where the child is the client of a container engine.
    pub(super) fn new(child: Child, pid_file: PathBuf, is_contained: bool) -> Self {
        Self { pid: child.id(), child: Some(child), is_contained, pid_file }
    }

    /// That of the program, or as long as an engine has not begun it, that of the engine's client.
    pub(super) fn pid(&self) -> u32 {
        self.recorded().unwrap_or(self.pid)
    }

    fn recorded(&self) -> Option<u32> {
        if !self.is_contained {
            return None;
        }
        fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()
    }

    /// Its exit status, when it has ended.
    pub(super) fn try_wait(&mut self) -> Result<Option<ExitStatus>, ServerError> {
        let pid = self.pid;
        let ended = match &mut self.child {
            Some(child) => child.try_wait(),
            None => Err(already_read()),
        };
        ended.attempt(|| format!("wait for process {pid}"))
    }

    /// Waits for its end, without a limit.
    pub(super) fn wait(&mut self) -> Result<ExitStatus, ServerError> {
        let pid = self.pid;
        let ended = match &mut self.child {
            Some(child) => child.wait(),
            None => Err(already_read()),
        };
        ended.attempt(|| format!("wait for process {pid}"))
    }

    /// Waits for its end; `None` when it still runs at the deadline.
    pub(super) fn wait_until(&mut self, deadline: Instant) -> Result<Option<ExitStatus>, ServerError> {
        poll(Some(deadline), || self.try_wait())
    }

    /// Waits for its end and reads both streams meanwhile.
    pub(super) fn output(mut self) -> Result<Output, ServerError> {
        let pid = self.pid;
        let child = self.child.take();
        let output = match child {
            Some(child) => child.wait_with_output(),
            None => Err(already_read()),
        };
        output.attempt(|| format!("read the output of process {pid}"))
    }

    /// Kills it (SIGKILL) and reaps it.
    pub(super) fn kill(&mut self) -> Result<(), ServerError> {
        let pid = self.pid;
        if self.recorded().is_some() && self.try_wait()?.is_none() {
            // The client would leave the container behind.
            self.signal("KILL")?;
            return self.wait().map(drop);
        }
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        child.kill().attempt(|| format!("kill process {pid}"))?;
        self.wait().map(drop)
    }

    /// Sends a signal, named as for `kill -s`. The shell's own `kill` does it: the standard library
    /// has none, and the system calls need unsafe code.
    pub(super) fn signal(&self, name: &str) -> Result<(), ServerError> {
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$0" -- "$1""#, name, &self.pid().to_string()])
            .stdin(Stdio::null())
            .output()
            .and_then(|output| match output.status.success() {
                true => Ok(()),
                false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
            });
        sent.attempt(|| format!("send SIG{name} to process {}", self.pid()))
    }

    /// Whether SIGSTOP has reached all its threads. On a busy machine the one that takes the signal may have to wait for its turn, and the
    /// others go on until then.
    pub(super) fn is_still(&self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid())) else { return false };
        threads.flatten().all(|thread| fs::read_to_string(thread.path().join("stat")).is_ok_and(|stat| says_stopped(&stat)))
    }

    #[cfg(test)]
    pub(super) fn await_recorded(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let recorded = poll(Some(deadline), || Ok(self.pid_file.exists().then_some(())));
        assert!(recorded.unwrap().is_some(), "{:?} was not written", self.pid_file);
    }
}

/// The state comes after the name, which is in parentheses and may have some in it: proc(5).
fn says_stopped(stat: &str) -> bool {
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('T' | 't' | 'Z' | 'X'))
}

fn already_read() -> io::Error {
    io::Error::other("its output was read before")
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = fs::remove_file(&self.pid_file);
    }
}

/// Like `spawn_blocking`, with a panic carried over to the caller.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Asks until there is an answer; `None` at the deadline.
///
/// Blocks the thread by the real clock, not by tokio's: a test with paused time would see every
/// deadline pass at once.
pub(super) fn poll<T>(
    deadline: Option<Instant>,
    mut ask: impl FnMut() -> Result<Option<T>, ServerError>,
) -> Result<Option<T>, ServerError> {
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(None);
        }
        thread::sleep(INTERVAL);
    }
}
