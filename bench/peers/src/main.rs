//! Other frameworks of Rust as contestants of `bench/run`: told what to do on standard input, a line each, they answer on standard
//! output, as `bench/faststream/party.py` does, which says the words.
//!
//! `comms-bench-peers ruststream|hexeract URL NAME BYTES`

mod arrivals;
mod hexeract;
mod ruststream;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use ::ruststream::Outgoing;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::sync::Semaphore;

use arrivals::say;

/// How many publishes may be unconfirmed.
const WINDOW: usize = 256;
/// How many messages may be fetched ahead.
const PREFETCH: u16 = 256;
/// How many may be handled at once.
const CONCURRENCY: usize = 128;
/// The group of all of them.
const GROUP: &str = "bench";

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Future<T> = Pin<Box<dyn std::future::Future<Output = Result<T, Failure>> + Send>>;

/// The event of all contestants.
#[derive(Clone, Debug, Serialize, Deserialize, Outgoing)]
struct Shipped {
    id: u64,
    text: String,
}

/// A framework at a broker: its queue, topic or stream is declared, and nobody consumes yet.
struct Joined {
    publish: Arc<dyn Fn(Arc<Shipped>) -> Future<()> + Send + Sync>,
    /// Begins to consume, for as long as what it returns is kept.
    attach: Box<dyn FnOnce() -> Future<Box<dyn Any + Send>> + Send>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [framework, url, name, bytes] = arguments.as_slice() else {
        return Err("say ruststream or hexeract, a URL, a name and a number of bytes".into());
    };
    let event = Arc::new(Shipped { id: 1_000_000, text: "x".repeat(bytes.parse::<usize>()?.saturating_sub(28)) });
    let joined = match (framework.as_str(), url.split_once(':').map(|(scheme, _)| scheme)) {
        ("hexeract", Some("amqp")) => hexeract::join(url, name).await?,
        ("ruststream", Some("amqp")) => ruststream::on_rabbitmq(url, name).await?,
        ("ruststream", Some("kafka")) => ruststream::on_kafka(url, name).await?,
        ("ruststream", Some("redis")) => ruststream::on_redis(url, name).await?,
        _ => return Err(format!("{framework} has no broker for {url}").into()),
    };
    serve(joined, event).await
}

/// Follows the commands until it is to leave.
async fn serve(joined: Joined, event: Arc<Shipped>) -> Result<(), Failure> {
    let Joined { publish, attach } = joined;
    let mut attach = Some(attach);
    let mut consuming = None;
    let mut lines = BufReader::new(stdin()).lines();
    say("ready");
    while let Some(line) = lines.next_line().await? {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["publish", count] => {
                let (publish, event, count) = (publish.clone(), event.clone(), count.parse()?);
                // Beside the next command: messages are published and handled at once.
                tokio::spawn(publish_all(publish, event, count));
            }
            ["attach"] => {
                if let Some(attach) = attach.take() {
                    consuming = Some(attach().await?);
                }
                say("attached");
            }
            ["expect", count] => arrivals::expect(count.parse()?),
            _ => break,
        }
    }
    drop(consuming);
    Ok(())
}

async fn publish_all(publish: Arc<dyn Fn(Arc<Shipped>) -> Future<()> + Send + Sync>, event: Arc<Shipped>, count: usize) {
    let window = Arc::new(Semaphore::new(WINDOW));
    for _ in 0..count {
        let Ok(place) = window.clone().acquire_owned().await else { return };
        let published = publish(event.clone());
        tokio::spawn(async move {
            if let Err(error) = published.await {
                eprintln!("could not publish: {error}");
                std::process::exit(1);
            }
            drop(place);
        });
    }
    if window.acquire_many(u32::try_from(WINDOW).unwrap_or(u32::MAX)).await.is_ok() {
        say("published");
    }
}
