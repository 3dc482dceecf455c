//! The connections, by their addresses.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tower_service::Service as _;

use super::super::connector::Connector;
use super::Lost;
use super::drive::drive;
use crate::error::BoxError;

// What hyper takes where nobody says otherwise.
const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const FRAME: u32 = 16 * 1024;
const HEADERS: u32 = 16 * 1024;
const SEND_BUFFER: usize = 1024 * 1024;
/// Requests at once before the other side has said how many it takes.
const REQUESTS: usize = 100;

/// A connection to each address that is called.
pub(in crate::client) struct Connections {
    connector: Connector,
    shared: Arc<Shared>,
}

/// A connection taken for one request.
pub(in crate::client) struct Taken {
    pub(super) sender: SendRequest<Bytes>,
    /// Whether it is the first request of the connection.
    pub(super) is_first: bool,
}

/// Why there is none.
pub(in crate::client) enum NoConnection {
    NotMade(BoxError),
    /// One was made, and lost at once.
    Lost(Lost),
}

/// What the connections know of each other.
pub(super) struct Shared {
    idle_timeout: Duration,
    addresses: Mutex<Vec<Address>>,
}

struct Address {
    uri: Uri,
    open: Option<Open>,
    /// Whoever has it makes the next connection.
    making: Arc<tokio::sync::Mutex<()>>,
    /// How many were made.
    made: u64,
}

struct Open {
    sender: SendRequest<Bytes>,
    used: Instant,
    asked: bool,
}

impl Connections {
    pub(in crate::client) fn new(connector: Connector, idle_timeout: Duration) -> Self {
        Self { connector, shared: Arc::new(Shared { idle_timeout, addresses: Mutex::default() }) }
    }

    /// The connection to the address, once it takes a request; a new one where there is none.
    pub(in crate::client) async fn take(&self, uri: &Uri) -> Result<Taken, NoConnection> {
        loop {
            if let Some((mut taken, number)) = self.shared.take(uri) {
                if poll_fn(|task| taken.sender.poll_ready(task)).await.is_ok() {
                    return Ok(taken);
                }
                self.shared.forget(uri, number);
            }
            let making = self.shared.making(uri);
            let _turn = making.lock().await;
            if self.shared.has(uri) {
                // Somebody else has made it meanwhile.
                continue;
            }
            self.make(uri).await?;
            let Some((mut taken, number)) = self.shared.take(uri) else { continue };
            return match poll_fn(|task| taken.sender.poll_ready(task)).await {
                Ok(()) => Ok(taken),
                Err(error) => {
                    self.shared.forget(uri, number);
                    Err(NoConnection::Lost(error.into()))
                }
            };
        }
    }

    async fn make(&self, uri: &Uri) -> Result<(), NoConnection> {
        let mut connector = self.connector.clone();
        poll_fn(|task| connector.poll_ready(task)).await.map_err(NoConnection::NotMade)?;
        let stream = connector.call(uri.clone()).await.map_err(NoConnection::NotMade)?;
        let mut protocol = Builder::new();
        protocol
            .initial_max_send_streams(REQUESTS)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .max_header_list_size(HEADERS)
            .max_send_buffer_size(SEND_BUFFER)
            .enable_push(false);
        let (sender, connection) = protocol.handshake(TokioIo::new(stream)).await.map_err(|error| NoConnection::Lost(error.into()))?;
        let number = self.shared.add(uri, sender);
        tokio::spawn(drive(connection, Arc::downgrade(&self.shared), uri.clone(), number));
        Ok(())
    }
}

impl Shared {
    fn take(&self, uri: &Uri) -> Option<(Taken, u64)> {
        let mut addresses = self.lock();
        let address = addresses.iter_mut().find(|address| address.is_of(uri))?;
        let (open, number) = (address.open.as_mut()?, address.made);
        open.used = Instant::now();
        let is_first = !std::mem::replace(&mut open.asked, true);
        Some((Taken { sender: open.sender.clone(), is_first }, number))
    }

    fn has(&self, uri: &Uri) -> bool {
        self.lock().iter().any(|address| address.is_of(uri) && address.open.is_some())
    }

    /// The turn to make a connection.
    fn making(&self, uri: &Uri) -> Arc<tokio::sync::Mutex<()>> {
        let mut addresses = self.lock();
        if let Some(address) = addresses.iter().find(|address| address.is_of(uri)) {
            return Arc::clone(&address.making);
        }
        // Addresses come and go.
        addresses.retain(|address| address.open.is_some() || Arc::strong_count(&address.making) > 1);
        let address = Address { uri: uri.clone(), open: None, making: Arc::default(), made: 0 };
        let making = Arc::clone(&address.making);
        addresses.push(address);
        making
    }

    /// Returns its number.
    fn add(&self, uri: &Uri, sender: SendRequest<Bytes>) -> u64 {
        let mut addresses = self.lock();
        let Some(address) = addresses.iter_mut().find(|address| address.is_of(uri)) else { return 0 };
        address.open = Some(Open { sender, used: Instant::now(), asked: false });
        address.made += 1;
        address.made
    }

    /// No request is given to the connection any more; it ends once it has answered what it has.
    pub(super) fn forget(&self, uri: &Uri, number: u64) {
        let mut addresses = self.lock();
        if let Some(address) = addresses.iter_mut().find(|address| address.is_of(uri) && address.made == number) {
            let gone = address.open.take();
            drop(addresses);
            drop(gone);
        }
    }

    /// The moment at which the connection has idled for too long, if it has not yet. Such a one is forgotten.
    pub(super) fn idles_until(&self, uri: &Uri, number: u64) -> Option<Instant> {
        let mut addresses = self.lock();
        let address = addresses.iter_mut().find(|address| address.is_of(uri) && address.made == number)?;
        let until = address.open.as_ref()?.used.checked_add(self.idle_timeout);
        let until = until.unwrap_or_else(|| Instant::now() + FOREVER);
        if until > Instant::now() {
            return Some(until);
        }
        let gone = address.open.take();
        drop(addresses);
        drop(gone);
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Address>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So late that nobody waits for it: thirty years.
const FOREVER: Duration = Duration::from_secs(86_400 * 365 * 30);

impl Address {
    fn is_of(&self, uri: &Uri) -> bool {
        self.uri.authority() == uri.authority() && self.uri.scheme() == uri.scheme()
    }
}
