//! A TCP proxy that can hold back what one connection sends, for the moments between two frames that an
//! application writes on different connections.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a client's handshake contains when its connection is the one for consuming.
const CONSUMING: &[u8] = b"(consume)";

/// Passes everything on, except, while closed, what clients send on their connections for consuming: the
/// acknowledgements.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    closed: watch::Sender<bool>,
    listener: JoinHandle<()>,
}

impl Gate {
    /// Listens on a loopback port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (closed, watched) = watch::channel(false);
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, upstream, watched.clone()));
            }
        });
        Ok(Self { addr, closed, listener })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on no acknowledgement reaches the server.
    pub fn hold_back_acknowledgements(&self) {
        self.closed.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn pass(client: TcpStream, upstream: SocketAddr, closed: watch::Receiver<bool>) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // A client that died ends both directions: what was held back never arrives.
    tokio::select! {
        done = upwards(from_client, to_server, closed) => done,
        done = downwards(from_server, to_client) => done,
    }
}

async fn downwards(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await.map(drop)
}

async fn upwards(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut closed: watch::Receiver<bool>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut consumes = false;
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        consumes |= buffer[..read].windows(CONSUMING.len()).any(|window| window == CONSUMING);
        if consumes {
            tokio::select! {
                biased;
                open = closed.wait_for(|closed| !closed) => open.map(drop).map_err(io::Error::other)?,
                // Read on while closed, to see the client's end.
                end = until_closed_by_peer(&mut from) => return end,
            }
        }
        to.write_all(&buffer[..read]).await?;
    }
}

async fn until_closed_by_peer(from: &mut OwnedReadHalf) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while from.read(&mut buffer).await? > 0 {}
    Ok(())
}
