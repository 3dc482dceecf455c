//! Another framework, in a process of its own: `bench/faststream/party.py` and `bench/peers`.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex, mpsc};

use super::{Arrivals, Party};
use crate::process::cpu_of;

/// A program that is told what to do line by line.
#[derive(Debug)]
pub struct Outside {
    child: Child,
    commands: Mutex<ChildStdin>,
    /// What it says but for arrivals.
    said: Mutex<mpsc::Receiver<String>>,
    arrivals: Arrivals,
}

impl Outside {
    /// Starts the command; it declares its queue, topic or stream.
    ///
    /// # Panics
    /// When it can't be started, or says that it is not ready.
    pub async fn join(command: Vec<String>, url: String, name: String, bytes: usize) -> Self {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .args([&url, &name])
            .arg(bytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("could not start {command:?}: {error}"));
        let (commands, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (says, said) = mpsc::channel(16);
        let arrivals = Arrivals::default();
        let arrived = arrivals.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                match line.as_str() {
                    "first" => arrived.begin(),
                    "all" => arrived.finish(),
                    _ => drop(says.send(line).await),
                }
            }
        });
        let party = Self { child, commands: Mutex::new(commands), said: Mutex::new(said), arrivals };
        party.said("ready").await;
        party
    }

    async fn tell(&self, command: &str) {
        self.commands.lock().await.write_all(format!("{command}\n").as_bytes()).await.expect("told");
    }

    async fn said(&self, word: &str) {
        assert_eq!(self.said.lock().await.recv().await.as_deref(), Some(word), "it ended, or said something else");
    }
}

impl Party for Outside {
    fn publish(&self, messages: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.tell(&format!("publish {messages}")).await;
            self.said("published").await;
        })
    }

    fn attach(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.tell("attach").await;
            self.said("attached").await;
        })
    }

    fn expect(&self, messages: usize) -> BoxFuture<'_, ()> {
        self.arrivals.expect(messages);
        Box::pin(async move { self.tell(&format!("expect {messages}")).await })
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn cpu(&self) -> Duration {
        cpu_of(self.child.id().expect("it runs"))
    }

    fn leave(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.tell("leave").await;
            self.child.wait().await.expect("it ended");
        })
    }
}
