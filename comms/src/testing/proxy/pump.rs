//! One direction of a connection: delayed, throttled, swallowed or simply passed on.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::connection::Connection;
use super::faults::Faults;
use super::shared::Bytes;

/// What is under way in one direction is bounded by `CHUNK * CHUNKS`, one MiB.
const CHUNK: usize = 16 * 1024;
const CHUNKS: usize = 64;

/// A throttled direction writes this many times per second, so that it flows evenly.
const WRITES_PER_SECOND: u64 = 20;

/// What was read at once, and when. An empty one is the end of the stream.
struct Chunk {
    sent: Instant,
    bytes: Vec<u8>,
}

pub(super) struct Lane<'a> {
    connection: &'a Connection,
    faults: watch::Receiver<Faults>,
    delivered: &'a Bytes,
    last_write: Option<(Instant, usize)>,
}

impl<'a> Lane<'a> {
    pub(super) fn new(connection: &'a Connection, delivered: &'a Bytes) -> Self {
        Self { connection, faults: connection.faults.clone(), delivered, last_write: None }
    }

    /// Passes everything on, the end of the stream included.
    pub(super) async fn pump(mut self, from: ReadHalf<'_>, to: WriteHalf<'_>) -> io::Result<()> {
        let (sender, receiver) = mpsc::channel(CHUNKS);
        tokio::try_join!(take_in(from, sender), self.give_out(receiver, to))?;
        Ok(())
    }

    async fn give_out(&mut self, mut chunks: mpsc::Receiver<Chunk>, mut to: WriteHalf<'_>) -> io::Result<()> {
        while let Some(chunk) = chunks.recv().await {
            self.deliver(&chunk, &mut to).await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, chunk: &Chunk, to: &mut WriteHalf<'_>) -> io::Result<()> {
        let mut rest = &chunk.bytes[..];
        loop {
            self.until_due(chunk.sent).await?;
            if self.connection.swallow(rest.len()) {
                return Ok(());
            }
            if chunk.bytes.is_empty() {
                return to.shutdown().await;
            }
            rest = &rest[self.write_some(rest, to).await?..];
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Waits for the delay and the throttle, as they are at the moment.
    async fn until_due(&mut self, sent: Instant) -> io::Result<()> {
        loop {
            let due = due(&self.faults.borrow_and_update(), sent, self.last_write);
            let changed = async { self.faults.changed().await.map_err(io::Error::other) };
            match due {
                Some(due) if due <= Instant::now() => return Ok(()),
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    changed = changed => changed?,
                },
                None => changed.await?,
            }
        }
    }

    /// Writes a part; nothing when the faults change while the receiver is slow.
    async fn write_some(&mut self, bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<usize> {
        let limit = piece(&self.faults.borrow_and_update()).min(bytes.len());
        let written = tokio::select! {
            biased;
            written = to.write(&bytes[..limit]) => written?,
            changed = self.faults.changed() => changed.map(|()| 0).map_err(io::Error::other)?,
        };
        self.last_write = Some((Instant::now(), written));
        self.delivered.add(written);
        Ok(written)
    }
}

/// When something may be written; `None` for not at all.
fn due(faults: &Faults, sent: Instant, last_write: Option<(Instant, usize)>) -> Option<Instant> {
    let now = Instant::now();
    if faults.swallow() {
        return Some(now);
    }
    let due = sent + faults.delay;
    match (faults.bytes_per_second, last_write) {
        (Some(0), _) => None,
        (Some(rate), Some((at, bytes))) => Some(due.max(at + Duration::from_secs_f64(bytes as f64 / rate as f64))),
        _ => Some(due),
    }
}

/// How much may be written at once.
fn piece(faults: &Faults) -> usize {
    match faults.bytes_per_second {
        Some(rate) => usize::try_from((rate / WRITES_PER_SECOND).max(1)).unwrap_or(usize::MAX),
        None => usize::MAX,
    }
}

async fn take_in(mut from: ReadHalf<'_>, chunks: mpsc::Sender<Chunk>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await?;
        let sent = Instant::now();
        let bytes = buffer[..read].to_vec();
        let delivered = chunks.send(Chunk { sent, bytes }).await;
        if read == 0 || delivered.is_err() {
            return Ok(());
        }
    }
}
