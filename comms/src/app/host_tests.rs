//! Signals, and the order of stopping. One test: a signal reaches every application of the process.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::app::health::Matters;
use crate::broker::Broker;
use crate::broker::memory::Memory;
use crate::message::{Envelope, Metadata};
use crate::{event, event_handler};

const SOON: Duration = Duration::from_secs(30);

#[event(name = "host.held", version = 1, topic = "held")]
struct Held;

/// Lets handlers in, and holds them until it is opened.
#[derive(Clone, Debug)]
struct Gate {
    entered: Arc<Semaphore>,
    open: Arc<Semaphore>,
    broken: bool,
}

#[event_handler(service = "holder")]
async fn on_held(_event: Held, gate: Gate, health: Health) {
    // What a service enters is told at the admin port.
    if gate.broken {
        health.component("gate", Matters::Liveness).down("held");
    }
    gate.entered.add_permits(1);
    drop(gate.open.acquire().await);
}

/// An application at work, as `run` has it.
struct Process {
    memory: Memory,
    gate: Gate,
    admin: SocketAddr,
    running: JoinHandle<Result<(), String>>,
}

impl Process {
    async fn start(broken: bool) -> Self {
        let gate = Gate { entered: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)), broken };
        let memory = Memory::new();
        let app = AppBuilder::new("host")
            .broker("default", Arc::new(memory.connect()))
            .provide(gate.clone())
            .event_function::<crate::handler!(on_held)>("holder");
        let mut config = Config::default();
        config.admin.address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.log.filter = "off".to_owned();
        let document = || -> Document { Box::new(|| json!({})) };
        let about = About { info: json!({}), topology: json!({}), openapi: document(), asyncapi: document() };
        telemetry::init(&config.log).unwrap();
        let signals = Signals::listen().unwrap();
        let port = open_admin(&config, about, &app.health, &app.metrics).await.unwrap().unwrap();
        let admin = port.address();
        let running = run_with(app, config, Some(port), signals, Instant::now());
        let running = tokio::spawn(async move { running.await.map_err(|error| error.to_string()) });
        let process = Self { memory, gate, admin, running };
        process.until("ready", 200, "/health/ready").await;
        process
    }

    async fn hold_one(&self) {
        let metadata = Metadata::new("host.held", "test".into());
        let envelope = Envelope::new("held".into(), metadata, "null".into());
        self.memory.connect().publish(Arc::new(envelope)).await.await.unwrap();
    }

    /// The status that the admin port answers with; `None` when it is closed.
    async fn status(&self, path: &str) -> Option<u16> {
        self.answer(path).await?.split(' ').nth(1)?.parse().ok()
    }

    /// All of the answer of the admin port.
    async fn answer(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.admin).await.ok()?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    async fn until(&self, what: &str, status: u16, path: &str) {
        let waiting = async {
            while self.status(path).await != Some(status) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
    }

    async fn ended(self) -> Result<(), String> {
        let admin = self.admin;
        let ended = tokio::time::timeout(SOON, self.running).await.expect("it ends").unwrap();
        assert!(TcpStream::connect(admin).await.is_err(), "the admin port is closed");
        ended
    }
}

fn signal(name: &str) {
    let sent = Command::new("kill").args([name, &std::process::id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_stop_the_process_in_order_and_a_second_one_at_once() {
    // Unready first, alive still; what is in hand is finished, what comes later stays for others.
    let process = Process::start(false).await;
    process.hold_one().await;
    process.gate.entered.acquire().await.unwrap().forget();
    let metrics = process.answer("/metrics").await.unwrap();
    assert!(metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{metrics}");
    assert!(metrics.contains(r#"messaging_destination_name="held",messaging_system="memory"} 1"#), "{metrics}");
    signal("-TERM");
    process.until("unready", 503, "/health/ready").await;
    assert_eq!(process.status("/health/live").await, Some(200));
    process.hold_one().await;
    assert!(!process.running.is_finished());
    process.gate.open.add_permits(2);
    let (memory, gate) = (process.memory.clone(), process.gate.clone());
    assert_eq!(process.ended().await, Ok(()));
    assert_eq!((memory.in_flight().total(), gate.entered.available_permits()), (1, 0));

    // Nothing in hand.
    let process = Process::start(false).await;
    signal("-INT");
    assert_eq!(process.ended().await, Ok(()));

    // A handler that won't end, and says so.
    let process = Process::start(true).await;
    process.hold_one().await;
    process.gate.entered.acquire().await.unwrap().forget();
    process.until("beyond repair", 503, "/health/live").await;
    signal("-TERM");
    process.until("unready", 503, "/health/ready").await;
    signal("-INT");
    assert!(process.running.await.unwrap().unwrap_err().contains("a second signal"));
}
