//! A server's process over its lives: started, killed and started again on the same files, with one log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ServerError;
use super::process::{Process, poll};
use super::sandbox::Output;

/// How many lines of the log an error shows.
const LOG_LINES: usize = 30;

/// It runs while `running` holds a process.
#[derive(Debug)]
pub(super) struct Daemon {
    running: Mutex<Option<Process>>,
    /// The server, with its ports.
    name: String,
    log: PathBuf,
    /// Where in the log the present run begins, in bytes.
    log_start: AtomicUsize,
    /// For becoming ready, and for stopping.
    deadline: Duration,
    /// What marks the lines of the log that tell why a start failed, where the log's end would not.
    error_mark: Option<&'static str>,
}

impl Daemon {
    pub(super) fn new(name: String, directory: &Path, deadline: Duration, error_mark: Option<&'static str>) -> Self {
        let log = directory.join("server.log");
        Self { running: Mutex::new(None), name, log, log_start: AtomicUsize::new(0), deadline, error_mark }
    }

    /// Starts the process and waits until it is ready; does nothing when it runs.
    pub(super) fn start(
        &self,
        spawn: impl FnOnce(Output<'_>) -> Result<Process, ServerError>,
        is_ready: impl Fn() -> bool,
    ) -> Result<(), ServerError> {
        let mut running = self.running();
        if let Some(server) = running.as_mut()
            && server.try_wait()?.is_none()
        {
            return Ok(());
        }
        self.log_start.store(self.log_bytes().len(), Ordering::Relaxed);
        let mut server = spawn(Output::Log(&self.log))?;
        self.await_ready(&mut server, is_ready)?;
        *running = Some(server);
        Ok(())
    }

    fn await_ready(&self, server: &mut Process, is_ready: impl Fn() -> bool) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.deadline;
        let ready = poll(Some(deadline), || match server.try_wait()? {
            Some(status) => Err(self.exited(status)),
            None => Ok(is_ready().then_some(())),
        })?;
        ready.ok_or_else(|| self.timeout(format!("{} becoming ready", self.name)))
    }

    /// `kill -9`; does nothing when it is not running.
    pub(super) fn kill(&self) -> Result<(), ServerError> {
        match self.running().take() {
            Some(mut server) => server.kill(),
            None => Ok(()),
        }
    }

    /// SIGTERM, and waits for the end.
    pub(super) fn stop(&self) -> Result<(), ServerError> {
        let Some(mut server) = self.running().take() else {
            return Ok(());
        };
        if server.try_wait()?.is_some() {
            return Ok(());
        }
        server.signal("TERM")?;
        server.signal("CONT")?; // one that is paused would never see the first
        let ended = server.wait_until(Instant::now() + self.deadline)?;
        match ended {
            Some(_) => Ok(()),
            None => Err(self.timeout(format!("the graceful stop of {}", self.name))),
        }
    }

    /// Waits until it has ended by itself.
    pub(super) fn await_end(&self) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.deadline;
        let ended = match self.running().as_mut() {
            Some(server) => server.wait_until(deadline)?.is_some(),
            None => true,
        };
        ended.then_some(()).ok_or_else(|| self.timeout(format!("the end of {}", self.name)))
    }

    /// SIGSTOP, and waits until it stands still.
    pub(super) fn pause(&self) -> Result<(), ServerError> {
        let running = self.running();
        let server = running.as_ref().ok_or_else(|| self.not_running())?;
        server.signal("STOP")?;
        let still = poll(Some(Instant::now() + self.deadline), || Ok(server.is_still().then_some(())))?;
        still.ok_or_else(|| self.timeout(format!("{} standing still", self.name)))
    }

    /// SIGCONT.
    pub(super) fn resume(&self) -> Result<(), ServerError> {
        self.running().as_ref().ok_or_else(|| self.not_running())?.signal("CONT")
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Process::pid)
    }

    /// An error unless it was started and neither killed nor stopped since.
    pub(super) fn expect_running(&self) -> Result<(), ServerError> {
        self.running().is_some().then_some(()).ok_or_else(|| self.not_running())
    }

    /// The end of the present run's log.
    pub(super) fn log(&self) -> String {
        let text = self.log_of_this_run();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// The first errors of the present run, or the log's end when there is none.
    fn log_of_failure(&self) -> String {
        let text = self.log_of_this_run();
        let errors = text.lines().filter(|line| self.error_mark.is_some_and(|mark| line.contains(mark)));
        let errors: Vec<_> = errors.take(LOG_LINES).collect();
        match errors.is_empty() {
            true => self.log(),
            false => errors.join("\n"),
        }
    }

    pub(super) fn log_of_this_run(&self) -> String {
        let bytes = self.log_bytes();
        let start = self.log_start.load(Ordering::Relaxed).min(bytes.len());
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    fn log_bytes(&self) -> Vec<u8> {
        fs::read(&self.log).unwrap_or_default()
    }

    fn not_running(&self) -> ServerError {
        ServerError::NotRunning { server: self.name.clone() }
    }

    fn exited(&self, status: ExitStatus) -> ServerError {
        ServerError::Exited { server: self.name.clone(), status, log: self.log_of_failure() }
    }

    pub(super) fn timeout(&self, what: String) -> ServerError {
        ServerError::Timeout { what, after: self.deadline, log: self.log_of_failure() }
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::Program;
    use super::super::sandbox::Sandbox;
    use super::*;

    /// More than there are processors, so that each has to wait for its turn.
    #[test]
    fn what_is_paused_stands_still() {
        let sandbox = Sandbox::create("still").unwrap();
        let spinning = Program { path: "sh".into(), container: None };
        let spawn = |output: Output<'_>| sandbox.spawn(&spinning, &["-c", "while :; do :; done"], &[], output);
        let daemons: Vec<Daemon> =
            (0..8).map(|number| Daemon::new(format!("spinner {number}"), sandbox.directory(), Duration::from_secs(20), None)).collect();
        for daemon in &daemons {
            daemon.start(spawn, || true).unwrap();
        }
        for daemon in daemons.iter().cycle().take(40) {
            daemon.pause().unwrap();
            assert!(daemon.running().as_ref().unwrap().is_still(), "{} goes on", daemon.name);
            daemon.resume().unwrap();
        }
    }
}
