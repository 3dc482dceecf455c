//! A connection that repairs itself.
//!
//! lapin could recover by itself, but then a publish or a settle of the old connection would run
//! into the new one; with our own loop every connection is a value of its own, and what belonged to
//! a lost one is known to be lost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::uri::{AMQPAuthority, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Connection, ConnectionProperties, Event};
use rand::RngExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::RabbitMqConfig;
use super::error::{again, broker_error, is_fatal};
use super::tls;
use crate::broker::{BrokerError, BrokerErrorKind, ConnectionState};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// One address may not use up the time of the others.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Should lapin ever not report the end of a connection, it is noticed after this.
const CHECK: Duration = Duration::from_secs(1);

/// What the link is at the moment.
#[derive(Clone, Debug)]
pub(super) enum LinkState {
    Up(Arc<Connection>),
    Down(Arc<BrokerError>),
    Closed,
}

/// One connection to one of the servers, replaced when it is lost.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Receiver<LinkState>,
    /// Why the server takes nothing that is published, while it doesn't.
    blocked: watch::Receiver<Option<String>>,
}

impl Link {
    /// Connects, trying the servers in turn for `connect_timeout`; then keeps connected until `closing`.
    pub(super) async fn open(config: Arc<RabbitMqConfig>, name: String, closing: CancellationToken) -> Result<Self, BrokerError> {
        let mut dialer = Dialer { config, name, next: 0, pause: FIRST_PAUSE };
        let first = dialer.first().await?;
        let (sender, state) = watch::channel(LinkState::Up(Arc::new(first)));
        let (blocking, blocked) = watch::channel(None);
        tokio::spawn(maintain(dialer, sender, blocking, closing));
        Ok(Self { state, blocked })
    }

    /// To see each change.
    pub(super) fn watch(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Resolves at the next change; never where there is none any more.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut state, mut blocked) = (self.state.clone(), self.blocked.clone());
        state.mark_unchanged();
        blocked.mark_unchanged();
        async move {
            tokio::select! {
                changed = state.changed() => if changed.is_err() {
                    std::future::pending().await
                },
                // Both end at once, and the last change is one of the state.
                Ok(()) = blocked.changed() => {}
            }
        }
    }

    /// The connection, once there is one; an error at once when waiting can't help.
    pub(super) async fn up(&self) -> Result<Arc<Connection>, BrokerError> {
        up(&mut self.state.clone()).await
    }

    /// Returns once it is closed; its closing must have been asked for.
    pub(super) async fn closed(&self) {
        let mut state = self.state.clone();
        // The task is gone with the sender: closed as well.
        let _ = state.wait_for(|state| matches!(state, LinkState::Closed)).await;
        while state.changed().await.is_ok() {}
    }

    pub(super) fn describe(&self) -> ConnectionState {
        match &*self.state.borrow() {
            LinkState::Up(connection) if connection.status().connected() => match self.blocked.borrow().clone() {
                Some(reason) => ConnectionState::Blocked { reason },
                None => ConnectionState::Connected,
            },
            LinkState::Up(_) => ConnectionState::Reconnecting { reason: "the connection was lost".to_owned() },
            LinkState::Down(reason) => ConnectionState::Reconnecting { reason: reason.to_string() },
            LinkState::Closed => ConnectionState::Closed,
        }
    }
}

/// Waits for a connection that works.
pub(super) async fn up(state: &mut watch::Receiver<LinkState>) -> Result<Arc<Connection>, BrokerError> {
    loop {
        match &*state.borrow_and_update() {
            LinkState::Up(connection) if connection.status().connected() => return Ok(Arc::clone(connection)),
            LinkState::Down(error) if is_fatal(error.kind()) => return Err(again(error)),
            LinkState::Closed => return Err(BrokerError::closed("use the RabbitMQ connection")),
            _ => {}
        }
        if state.changed().await.is_err() {
            return Err(BrokerError::closed("use the RabbitMQ connection"));
        }
    }
}

/// Does something on a connection for as long as it is there: lapin may leave without an answer whoever asks while a connection ends.
pub(super) async fn while_up<T>(
    mut state: watch::Receiver<LinkState>,
    work: impl AsyncFnOnce(Arc<Connection>) -> Result<T, BrokerError>,
) -> Result<T, BrokerError> {
    let connection = up(&mut state).await?;
    let lost = async {
        // Whoever would tell is gone: lost as well.
        let is_another = |state: &LinkState| !matches!(state, LinkState::Up(now) if Arc::ptr_eq(now, &connection));
        let _ = state.wait_for(is_another).await;
    };
    tokio::select! {
        done = work(Arc::clone(&connection)) => done,
        () = lost => Err(BrokerError::new(BrokerErrorKind::Connection, "the connection to RabbitMQ was lost meanwhile")),
    }
}

async fn maintain(mut dialer: Dialer, state: watch::Sender<LinkState>, blocked: watch::Sender<Option<String>>, closing: CancellationToken) {
    let work = async {
        loop {
            let connection = match &*state.borrow() {
                LinkState::Up(connection) => Some(Arc::clone(connection)),
                _ => None,
            };
            let reason = match connection {
                Some(connection) => lost(&connection, &blocked).await,
                None => "not connected".to_owned(),
            };
            blocked.send_replace(None);
            tracing::warn!(server = %dialer.config, connection = dialer.name, reason, "lost the connection to RabbitMQ; reconnecting");
            state.send_replace(LinkState::Down(Arc::new(BrokerError::new(BrokerErrorKind::Connection, reason))));
            let connection = dialer.again(&state).await;
            tracing::info!(server = %dialer.config, connection = dialer.name, "connected to RabbitMQ again");
            state.send_replace(LinkState::Up(Arc::new(connection)));
        }
    };
    closing.run_until_cancelled(work).await;
    let last = state.send_replace(LinkState::Closed);
    if let LinkState::Up(connection) = last {
        // A server that doesn't answer must not hold up the process.
        let _ = timeout(Duration::from_secs(2), connection.close(200, "bye".into())).await;
    }
}

/// Waits until the connection is lost and says why; meanwhile tells whether the server takes messages.
async fn lost(connection: &Connection, blocked: &watch::Sender<Option<String>>) -> String {
    let mut events = std::pin::pin!(connection.events_listener());
    let mut reason = "the connection was closed".to_owned();
    while connection.status().connected() {
        match timeout(CHECK, events.next()).await {
            Ok(Some(Event::Error(error))) => reason = error.to_string(),
            Ok(Some(Event::ConnectionBlocked(why))) => {
                tracing::warn!(why, "RabbitMQ takes no messages for now; publishing waits");
                blocked.send_replace(Some(why));
            }
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => sleep(CHECK).await,
        }
        follow(connection.status().blocked(), blocked);
    }
    reason
}

/// What lapin knows counts: it said so before anybody listened, or the server takes messages again.
fn follow(is_blocked: bool, blocked: &watch::Sender<Option<String>>) {
    blocked.send_if_modified(|reason| {
        let changed = is_blocked != reason.is_some();
        if changed {
            *reason = is_blocked.then(|| "it gave no reason".to_owned());
            tracing::info!(is_blocked, "RabbitMQ says whether it takes messages");
        }
        changed
    });
}

/// Connects to one server after the other, with pauses that grow.
#[derive(Debug)]
struct Dialer {
    config: Arc<RabbitMqConfig>,
    name: String,
    next: usize,
    pause: Duration,
}

impl Dialer {
    /// The first connection: bounded, and an error that waiting can't mend ends it at once.
    async fn first(&mut self) -> Result<Connection, BrokerError> {
        let deadline = Instant::now() + self.config.connect_timeout;
        loop {
            match self.round().await {
                Err(error) if !is_fatal(error.kind()) && Instant::now() + self.pause < deadline => self.rest().await,
                result => {
                    self.pause = FIRST_PAUSE;
                    return result;
                }
            }
        }
    }

    /// The next connection, however long it takes.
    async fn again(&mut self, state: &watch::Sender<LinkState>) -> Connection {
        loop {
            match self.round().await {
                Ok(connection) => {
                    self.pause = FIRST_PAUSE;
                    return connection;
                }
                Err(error) => {
                    if is_fatal(error.kind()) {
                        tracing::error!(%error, "can't reconnect to RabbitMQ; trying on");
                    }
                    state.send_replace(LinkState::Down(Arc::new(error)));
                    self.rest().await;
                }
            }
        }
    }

    /// Tries each server once, beginning after the last one tried.
    async fn round(&mut self) -> Result<Connection, BrokerError> {
        let mut result = Err(BrokerError::new(BrokerErrorKind::Config, "the RabbitMQ URL names no server"));
        for _ in 0..self.config.hosts.len() {
            let (host, port) = self.config.hosts[self.next % self.config.hosts.len()].clone();
            self.next += 1;
            result = self.dial(&host, port).await;
            if result.is_ok() {
                // The next loss begins with the server that worked.
                self.next -= 1;
                break;
            }
        }
        result
    }

    async fn dial(&self, host: &str, port: u16) -> Result<Connection, BrokerError> {
        let attempted = format!("connect to RabbitMQ at {host}:{port} as `{}`, vhost `{}`", self.config.user, self.config.vhost);
        let tls = tls::files(&self.config).await?;
        let connecting = lapin::Connection::connect_uri_with_config(
            self.uri(host, port),
            ConnectionProperties::default().with_connection_name(self.name.as_str().into()),
            tls,
            lapin::runtime::default_runtime().map_err(|error| broker_error(&attempted, &error))?,
        );
        match timeout(ATTEMPT, connecting).await {
            Ok(result) => result.map_err(|error| broker_error(&attempted, &error)),
            Err(_) => Err(BrokerError::new(
                BrokerErrorKind::Connection,
                format!("could not {attempted}: no answer within {ATTEMPT:?}; check the address and that the port speaks AMQP"),
            )),
        }
    }

    fn uri(&self, host: &str, port: u16) -> AMQPUri {
        let mut uri = AMQPUri {
            scheme: if self.config.tls { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo { username: self.config.user.clone(), password: self.config.password.clone() },
                host: host.to_owned(),
                port,
            },
            vhost: self.config.vhost.clone(),
            ..AMQPUri::default()
        };
        uri.query.heartbeat = u16::try_from(self.config.heartbeat.as_secs()).ok();
        uri
    }

    async fn rest(&mut self) {
        let jitter = rand::rng().random_range(0.5..1.0);
        sleep(self.pause.mul_f64(jitter)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
