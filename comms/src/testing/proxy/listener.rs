//! Accepting connections, and really refusing them: the port is closed during a cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::faults::{Faults, Mode};
use super::shared::{Entry, Shared};
use crate::testing::servers::ports::Port;

pub(super) struct Listener {
    port: Port,
    upstream: SocketAddr,
    faults: watch::Receiver<Faults>,
    shared: Arc<Shared>,
    /// `None` during a cut.
    socket: Option<TcpListener>,
    /// The revision of the faults that was carried out last.
    revision: u64,
    connections: JoinSet<()>,
}

impl Listener {
    pub(super) fn new(upstream: SocketAddr, faults: watch::Receiver<Faults>, shared: Arc<Shared>) -> io::Result<Self> {
        let port = Port::reserve().map_err(io::Error::other)?;
        Ok(Self { socket: Some(listen(&port)?), port, upstream, faults, shared, revision: 0, connections: JoinSet::new() })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        address(&self.port)
    }

    /// Runs until the proxy is gone. Ending it ends all connections.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                changed = self.faults.changed() => match changed {
                    Ok(()) => self.carry_out(),
                    Err(_) => return,
                },
                client = accept(self.socket.as_ref()) => self.connect(client),
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    fn carry_out(&mut self) {
        let (mode, revision) = {
            let faults = self.faults.borrow_and_update();
            (faults.mode, faults.revision)
        };
        let listening = self.set_listening(mode != Mode::Cut);
        self.revision = revision;
        self.shared.applied(revision, listening.err().map(|error| error.to_string()));
    }

    fn set_listening(&mut self, wanted: bool) -> io::Result<()> {
        if !wanted {
            self.socket = None;
        } else if self.socket.is_none() {
            self.socket = Some(listen(&self.port)?);
        }
        Ok(())
    }

    fn connect(&mut self, client: TcpStream) {
        let connection =
            Connection { upstream: self.upstream, faults: self.faults.clone(), entry: Entry::new(&self.shared, self.revision) };
        self.connections.spawn(connection.run(client));
    }
}

fn address(port: &Port) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port.number()).into()
}

/// The standard library's `bind` allows the address to be used again at once.
fn listen(port: &Port) -> io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind(address(port))?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// The next connection; never, while there is no socket.
async fn accept(socket: Option<&TcpListener>) -> TcpStream {
    let Some(socket) = socket else {
        return std::future::pending().await;
    };
    loop {
        // An error concerns a client that went away before it was accepted.
        if let Ok((client, _)) = socket.accept().await {
            return client;
        }
        tokio::task::yield_now().await;
    }
}
