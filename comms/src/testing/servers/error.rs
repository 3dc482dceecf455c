//! What can go wrong with a real server, told so that the reader knows what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A real server could not be started, asked or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The server's program is not on this machine.
    #[error(
        "`{program}` was not found; looked in {}. Run `./test` at the root of the comms repository, \
         which installs what the tests need, or install it yourself ({install})",
        list(.looked_in)
    )]
    NotInstalled {
        /// The program that was looked for.
        program: &'static str,
        /// The directories that were looked at, in this order.
        looked_in: Vec<PathBuf>,
        /// How to install it by hand.
        install: &'static str,
    },

    /// The server ended by itself while it was expected to become ready.
    #[error("{server} ended with {status} before it was ready; the end of its log:\n{log}")]
    Exited {
        /// The server, with its ports.
        server: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines that it logged.
        log: String,
    },

    /// Something did not happen before its deadline.
    #[error("{what} did not happen within {after:?}; the end of the server's log:\n{log}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
        /// The last lines that the server logged.
        log: String,
    },

    /// An administrative command was refused.
    #[error("`{command}` ended with {status}: {output}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// What it wrote to stderr and stdout.
        output: String,
    },

    /// An administrative command answered something that could not be read.
    #[error("`{command}` answered what is not the expected JSON ({source}): {output}")]
    Answer {
        /// The command line.
        command: String,
        /// What it wrote to stdout.
        output: String,
        /// Why it could not be read.
        source: serde_json::Error,
    },

    /// The call needs a running server, but it was killed or stopped before.
    #[error("{server} is not running (killed or stopped earlier); call `restart()` first")]
    NotRunning {
        /// The server, with its ports.
        server: String,
    },

    /// Files, processes or sockets of the operating system.
    #[error("could not {action}: {source}")]
    Io {
        /// What was attempted, on what.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },

    /// The certificates for TLS could not be made.
    #[error("could not generate the test certificates: {0}")]
    Certificates(#[from] rcgen::Error),

    /// No free port was found.
    #[error("no free port on 127.0.0.1 between {from} and {to}; are servers of earlier runs still alive?")]
    NoPort {
        /// The first port that was tried.
        from: u16,
        /// The last port that was tried.
        to: u16,
    },
}

/// Adds what was attempted to an [`io::Error`].
pub(super) trait Attempt<T> {
    fn attempt(self, action: impl FnOnce() -> String) -> Result<T, ServerError>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, action: impl FnOnce() -> String) -> Result<T, ServerError> {
        self.map_err(|source| ServerError::Io { action: action(), source })
    }
}

fn list(directories: &[PathBuf]) -> String {
    let shown: Vec<_> = directories.iter().map(|d| d.display().to_string()).collect();
    shown.join(", ")
}
