//! Members in processes of their own, to be killed.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::PATIENCE;
use crate::record::Seen;

/// A running process of the binary `member`. Killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts the program and returns once it takes messages. Each line that it prints goes to `seen`.
    pub async fn start(program: &str, url: &str, seen: &Seen) -> Self {
        Self::start_with(program, &[url], seen).await
    }

    /// The same, of the ordered subscription.
    pub async fn start_ordered(program: &str, url: &str, seen: &Seen) -> Self {
        Self::start_with(program, &[url, "ordered"], seen).await
    }

    /// The same, of the transactional handler.
    pub async fn start_transactional(program: &str, url: &str, seen: &Seen) -> Self {
        Self::start_with(program, &[url, "transactional"], seen).await
    }

    async fn start_with(program: &str, arguments: &[&str], seen: &Seen) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("could not start {program}: {error}"));
        let output = child.stdout.take().unwrap_or_else(|| panic!("its output is piped"));
        let mut lines = BufReader::new(output).lines();
        let ready = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        assert!(matches!(&ready, Ok(Ok(Some(line))) if line == "ready"), "the member did not come up: {ready:?}");
        let seen = seen.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                seen.add(line);
            }
        });
        Self { child }
    }

    /// `kill -9`; returns when it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap_or_else(|error| panic!("could not kill the member: {error}"));
    }

    /// Waits until it has ended by itself; true when it was by an abort and not in peace.
    pub async fn ended(mut self) -> bool {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) => !status.success(),
            other => panic!("the member did not end: {other:?}"),
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap_or_else(|error| panic!("{error}")).is_none()
    }
}
