//! A connection that repairs itself.
//!
//! redis-rs has a manager that reconnects by itself, but then nobody knows which answers belonged to a lost
//! connection; with our own loop every connection is a value of its own.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::dialer::Dialer;
use super::error::{again, is_fatal, redirection};
use crate::broker::{BrokerError, BrokerErrorKind, ConnectionState};

/// What the link is at the moment.
#[derive(Clone)]
pub(super) enum LinkState {
    Up(MultiplexedConnection),
    Down(Arc<BrokerError>),
    Closed,
}

/// The connection that everything shares but the blocking reads; replaced when it is lost.
pub(super) struct Link {
    state: watch::Receiver<LinkState>,
    suspect: Arc<Notify>,
    dialer: Dialer,
}

impl Link {
    /// Connects for `connect_timeout`; then keeps connected until `closing`.
    pub(super) async fn open(dialer: Dialer, closing: CancellationToken) -> Result<Self, BrokerError> {
        let first = dialer.first().await?;
        Ok(Self::keep(dialer, LinkState::Up(first), closing))
    }

    /// Connects meanwhile, however long it takes; then keeps connected until `closing`. Must be called within a tokio runtime.
    pub(super) fn begin(dialer: Dialer, closing: CancellationToken) -> Self {
        let reason = "not connected yet: nothing was sent there so far";
        Self::keep(dialer, LinkState::Down(Arc::new(BrokerError::new(BrokerErrorKind::Connection, reason))), closing)
    }

    fn keep(dialer: Dialer, first: LinkState, closing: CancellationToken) -> Self {
        let (sender, state) = watch::channel(first);
        let suspect = Arc::new(Notify::new());
        tokio::spawn(maintain(dialer.clone(), sender, Arc::clone(&suspect), closing));
        Self { state, suspect, dialer }
    }

    /// To see each change.
    pub(super) fn watch(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Makes further connections of the same kind.
    pub(super) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Somebody saw a connection fail: has this one as well?
    pub(super) fn suspect(&self) {
        self.suspect.notify_one();
    }

    /// The answer to a command, by the connection that there is, or will be.
    pub(super) async fn ask(&self, attempted: &str, command: &Cmd) -> Result<Value, BrokerError> {
        let mut state = self.state.clone();
        let mut connection = up(&mut state).await?;
        let answer = tokio::select! {
            answer = connection.send_packed_command(command) => answer.and_then(Value::extract_error),
            _ = state.changed() => return Err(lost(attempted)),
        };
        answer.map_err(|error| {
            self.failed(&error);
            self.dialer.error(attempted, &error)
        })
    }

    /// A command was answered with this: is the connection still the one that is meant?
    pub(super) fn failed(&self, error: &RedisError) {
        if error.is_io_error() || redirection(error).is_some() {
            self.suspect();
        }
    }

    /// Returns once it is closed; its closing must have been asked for.
    pub(super) async fn closed(&self) {
        let mut state = self.state.clone();
        // The task is gone with the sender: closed as well.
        let _ = state.wait_for(|state| matches!(state, LinkState::Closed)).await;
    }

    pub(super) fn describe(&self) -> ConnectionState {
        match &*self.state.borrow() {
            LinkState::Up(_) => ConnectionState::Connected,
            LinkState::Down(reason) => ConnectionState::Reconnecting { reason: reason.to_string() },
            LinkState::Closed => ConnectionState::Closed,
        }
    }
}

fn lost(attempted: &str) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted}: the connection to Redis was lost meanwhile"))
}

/// Waits for a connection.
pub(super) async fn up(state: &mut watch::Receiver<LinkState>) -> Result<MultiplexedConnection, BrokerError> {
    loop {
        match &*state.borrow_and_update() {
            LinkState::Up(connection) => return Ok(connection.clone()),
            LinkState::Down(error) if is_fatal(error.kind()) => return Err(again(error)),
            LinkState::Closed => return Err(BrokerError::closed("use the Redis connection")),
            LinkState::Down(_) => {}
        }
        if state.changed().await.is_err() {
            return Err(BrokerError::closed("use the Redis connection"));
        }
    }
}

async fn maintain(dialer: Dialer, state: watch::Sender<LinkState>, suspect: Arc<Notify>, closing: CancellationToken) {
    let work = async {
        let mut was_lost = false;
        loop {
            let connection = match &*state.borrow() {
                LinkState::Up(connection) => Some(connection.clone()),
                _ => None,
            };
            let connection = match connection {
                Some(connection) => connection,
                None => {
                    let connection = dialer.again(&state).await;
                    state.send_replace(LinkState::Up(connection.clone()));
                    connection
                }
            };
            if was_lost {
                tracing::info!(server = %dialer.config, connection = dialer.name, "connected to Redis again");
            }
            let reason = dialer.watch_over(connection, &suspect).await;
            was_lost = true;
            tracing::warn!(server = %dialer.config, connection = dialer.name, reason, "lost the connection to Redis; reconnecting");
            state.send_replace(LinkState::Down(Arc::new(BrokerError::new(BrokerErrorKind::Connection, reason))));
        }
    };
    closing.run_until_cancelled(work).await;
    state.send_replace(LinkState::Closed);
}
