//! One client's connection and its counterpart to the server.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::faults::Faults;
use super::pump::Lane;
use super::shared::Entry;

pub(super) struct Connection {
    pub(super) upstream: SocketAddr,
    pub(super) faults: watch::Receiver<Faults>,
    pub(super) entry: Entry,
}

impl Connection {
    /// Passes bytes until both sides have closed. Anything else ends it with a reset on both sides.
    pub(super) async fn run(self, mut client: TcpStream) {
        let mut server = None;
        let closed = tokio::select! {
            biased;
            () = self.entry.is_over(self.faults.clone()) => false,
            passed = self.pass(&mut client, &mut server) => passed.is_ok(),
        };
        if !closed {
            reset(&client);
            server.iter().for_each(reset);
        }
        // First the sockets, then the entry: whoever waits for the entry to go finds them closed.
        drop(client);
        drop(server);
    }

    async fn pass(&self, client: &mut TcpStream, server: &mut Option<TcpStream>) -> io::Result<()> {
        if self.swallow(0) {
            return self.swallow_all(client).await;
        }
        let server = server.insert(TcpStream::connect(self.upstream).await?);
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let shared = &self.entry.shared;
        tokio::try_join!(
            self.lane(&shared.to_upstream).pump(from_client, to_server),
            self.lane(&shared.to_clients).pump(from_server, to_client),
        )?;
        Ok(())
    }

    fn lane<'a>(&'a self, delivered: &'a super::shared::Bytes) -> Lane<'a> {
        Lane::new(self, delivered)
    }

    /// Whether what came now is to be swallowed; noted as lost if so.
    pub(super) fn swallow(&self, bytes: usize) -> bool {
        let faults = self.faults.borrow();
        if faults.swallow() {
            self.entry.lose(bytes, &faults);
        }
        faults.swallow()
    }

    /// For a client that came while the way was lost: there is no counterpart. Healing resets it.
    async fn swallow_all(&self, client: &mut TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 4096];
        loop {
            match client.read(&mut buffer).await? {
                0 => std::future::pending().await,
                bytes => self.entry.shared.swallowed.add(bytes),
            }
        }
    }
}

/// Has the close that follows be a reset (RST) instead of an orderly end (FIN).
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
