//! A TCP proxy that can hold back what one connection sends, for the moments between two frames that an
//! application writes on different connections.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// What goes out on the connection for publishing: copies for retries, dead letters.
    Copies,
    /// What goes out on the connection for consuming: acknowledgements.
    Acknowledgements,
}

impl Held {
    /// What the handshake of such a connection contains: its name.
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Copies => b"(publish)",
            Self::Acknowledgements => b"(consume)",
        }
    }
}

/// Passes everything on, except, once told so, what clients send on one kind of connection.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    closed: watch::Sender<bool>,
    holding: watch::Sender<bool>,
    listener: JoinHandle<()>,
}

impl Gate {
    /// Listens on a loopback port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(upstream: SocketAddr, held: Held) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (closed, holding) = (watch::Sender::new(false), watch::Sender::new(false));
        let lock = Lock { mark: held.mark(), closed: closed.subscribe(), holding: holding.clone() };
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, upstream, lock.clone()));
            }
        });
        Ok(Self { addr, closed, holding, listener })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on nothing of it reaches the server.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Waits until a client has sent something that is held back.
    pub async fn until_it_holds_something(&self) {
        let mut holding = self.holding.subscribe();
        let waiting = tokio::time::timeout(crate::PATIENCE, holding.wait_for(|holding| *holding));
        assert!(matches!(waiting.await, Ok(Ok(_))), "the client sent nothing that was to be held back");
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// What the connections know of the gate.
#[derive(Clone)]
struct Lock {
    mark: &'static [u8],
    closed: watch::Receiver<bool>,
    holding: watch::Sender<bool>,
}

async fn pass(client: TcpStream, upstream: SocketAddr, lock: Lock) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // A client that died ends both directions: what was held back never arrives.
    tokio::select! {
        done = upwards(from_client, to_server, lock) => done,
        done = downwards(from_server, to_client) => done,
    }
}

async fn downwards(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await.map(drop)
}

async fn upwards(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut lock: Lock) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut meant = false;
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        meant |= buffer[..read].windows(lock.mark.len()).any(|window| window == lock.mark);
        if meant && *lock.closed.borrow() {
            lock.holding.send_replace(true);
            tokio::select! {
                biased;
                open = lock.closed.wait_for(|closed| !closed) => open.map(drop).map_err(io::Error::other)?,
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
