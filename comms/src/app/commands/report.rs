//! What a command comes to: an exit code, and a result for people and for machines.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::app::StartError;
use crate::broker::{BrokerError, BrokerErrorKind};
use crate::config::ConfigError;
use crate::error::{chain, chain_text};

/// The exit codes. Documented in `--help` and in docs/operators.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It went well.
    Ok = 0,
    /// It failed.
    Failure = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A check found problems.
    Problems = 3,
    /// A broker could not be reached, or refused the login.
    Unreachable = 4,
    /// The broker can't do this from outside of the running process.
    Unsupported = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// What a broker's failure means to the caller of the process.
    pub(super) fn of_broker(error: &BrokerError) -> Self {
        match error.kind() {
            BrokerErrorKind::Connection | BrokerErrorKind::Authentication | BrokerErrorKind::Unknown => Self::Unreachable,
            BrokerErrorKind::Config => Self::Usage,
            BrokerErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Failure,
        }
    }
}

/// What a command comes to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) exit: Exit,
    /// The result for people; empty if there is none.
    pub(crate) text: String,
    /// The result for machines; null if there is none.
    pub(crate) json: Value,
    /// What people should know beside it; goes to standard error, unless JSON was asked for.
    pub(crate) remark: String,
}

impl Report {
    /// A result.
    pub(super) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { exit: Exit::Ok, text: text.into(), json, remark: String::new() }
    }

    /// Nothing to say.
    pub(super) fn silent() -> Self {
        Self::new("", Value::Null)
    }

    /// No result, and why.
    pub(super) fn failed(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, text: String::new(), json: json!({ "error": message }), remark: format!("error: {message}") }
    }

    /// The configuration is wrong.
    pub(super) fn wrong_config(error: &ConfigError) -> Self {
        let report = Self::failed(Exit::Usage, error.to_string());
        Self { json: json!({ "error": "the configuration is wrong", "problems": super::problems_json(error) }), ..report }
    }

    /// What went wrong, with its causes; the exit code follows from the first of them that has one.
    pub(super) fn of_error(error: &(dyn std::error::Error + 'static)) -> Self {
        let exit = chain(error).find_map(|error| {
            let start = || error.downcast_ref::<StartError>().and_then(StartError::broker);
            let broker = error.downcast_ref::<BrokerError>().or_else(start).map(Exit::of_broker);
            broker.or_else(|| error.is::<ConfigError>().then_some(Exit::Usage))
        });
        Self::failed(exit.unwrap_or(Exit::Failure), chain_text(error).join(": "))
    }

    /// The same with a remark.
    pub(super) fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }

    /// The same with another exit code.
    pub(super) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// What goes to standard output.
    pub(super) fn result(&self, json: bool) -> String {
        match (json, &self.json) {
            (true, Value::Null) => String::new(),
            (true, json) => format!("{json:#}\n"),
            (false, _) => with_line_end(&self.text),
        }
    }

    /// What goes to standard error.
    pub(super) fn remarks(&self, json: bool) -> String {
        if json { String::new() } else { with_line_end(&self.remark) }
    }
}

fn with_line_end(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// Rows as columns, each as wide as its widest cell; no spaces at line ends.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: String = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  ")).collect();
        format!("{}\n", cells.trim_end())
    };
    rows.iter().map(line).collect()
}

/// A number of bytes, in the largest unit that it is a whole number of.
pub(super) fn size_text(bytes: usize) -> String {
    match bytes {
        0 => "0 B".to_owned(),
        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} B"),
    }
}
