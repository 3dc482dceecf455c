//! A connection that repairs itself.
//!
//! redis-rs has a manager that reconnects by itself, but then nobody knows which answers belonged to a lost
//! connection; with our own loop every connection is a value of its own.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::RedisConfig;
use super::error::{again, broker_error, is_fatal};
use super::tls;
use crate::broker::{BrokerError, BrokerErrorKind, ConnectionState};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the server may take to let us in.
const ATTEMPT: Duration = Duration::from_secs(10);

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
    pub(super) async fn open(config: Arc<RedisConfig>, name: String, closing: CancellationToken) -> Result<Self, BrokerError> {
        let dialer = Dialer { config, name };
        let first = dialer.first().await?;
        let (sender, state) = watch::channel(LinkState::Up(first));
        let suspect = Arc::new(Notify::new());
        tokio::spawn(maintain(dialer.clone(), sender, Arc::clone(&suspect), closing));
        Ok(Self { state, suspect, dialer })
    }

    /// To see each change.
    pub(super) fn watch(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Another connection of the same kind, for reads that block.
    pub(super) async fn dial(&self) -> Result<MultiplexedConnection, BrokerError> {
        self.dialer.dial().await
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
            self.after(&error);
            broker_error(attempted, &error)
        })
    }

    fn after(&self, error: &RedisError) {
        if error.is_io_error() {
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
        loop {
            let connection = match &*state.borrow() {
                LinkState::Up(connection) => Some(connection.clone()),
                _ => None,
            };
            let reason = match connection {
                Some(connection) => dialer.watch_over(connection, &suspect).await,
                None => "not connected".to_owned(),
            };
            tracing::warn!(server = %dialer.config, connection = dialer.name, reason, "lost the connection to Redis; reconnecting");
            state.send_replace(LinkState::Down(Arc::new(BrokerError::new(BrokerErrorKind::Connection, reason))));
            let connection = dialer.again(&state).await;
            tracing::info!(server = %dialer.config, connection = dialer.name, "connected to Redis again");
            state.send_replace(LinkState::Up(connection));
        }
    };
    closing.run_until_cancelled(work).await;
    state.send_replace(LinkState::Closed);
}

/// Makes connections.
#[derive(Clone)]
struct Dialer {
    config: Arc<RedisConfig>,
    name: String,
}

impl Dialer {
    /// The first connection: bounded, and an error that waiting can't mend ends it at once.
    async fn first(&self) -> Result<MultiplexedConnection, BrokerError> {
        let deadline = Instant::now() + self.config.connect_timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.dial().await {
                Err(error) if !is_fatal(error.kind()) && Instant::now() + pause < deadline => rest(&mut pause).await,
                result => return result,
            }
        }
    }

    /// The next connection, however long it takes.
    async fn again(&self, state: &watch::Sender<LinkState>) -> MultiplexedConnection {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.dial().await {
                Ok(connection) => return connection,
                Err(error) => {
                    if is_fatal(error.kind()) {
                        tracing::error!(%error, "can't reconnect to Redis; trying on");
                    }
                    state.send_replace(LinkState::Down(Arc::new(error)));
                    rest(&mut pause).await;
                }
            }
        }
    }

    async fn dial(&self) -> Result<MultiplexedConnection, BrokerError> {
        let config = &self.config;
        let user = config.user.as_deref().unwrap_or("default");
        let attempted = format!("connect to Redis at {}:{} as `{user}`, database {}", config.host, config.port, config.database);
        match timeout(ATTEMPT, self.enter(&attempted)).await {
            Ok(result) => result,
            Err(_) => Err(BrokerError::new(
                BrokerErrorKind::Connection,
                format!("could not {attempted}: no answer within {ATTEMPT:?}; check the address and that the port speaks Redis's protocol"),
            )),
        }
    }

    async fn enter(&self, attempted: &str) -> Result<MultiplexedConnection, BrokerError> {
        let client = self.client(attempted).await?;
        // A read that blocks is answered late; silence is found out by the heartbeat.
        let options = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None).set_pipeline_buffer_size(1024);
        let connecting = client.get_multiplexed_async_connection_with_config(&options).await;
        let mut connection = connecting.map_err(|error| broker_error(attempted, &error))?;
        // Only for people who look at the server: a user may lack the right.
        let _ = connection.send_packed_command(redis::cmd("CLIENT").arg("SETNAME").arg(&self.name)).await;
        // The server loads its data, or the user may not even do this.
        ping(&mut connection).await.map_err(|error| broker_error(attempted, &error))?;
        if self.config.durable {
            expect_durable(&mut connection, attempted).await?;
        }
        Ok(connection)
    }

    async fn client(&self, attempted: &str) -> Result<Client, BrokerError> {
        let config = &self.config;
        let (host, port) = (config.host.clone(), config.port);
        let address = match config.tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        };
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(config.database)).set_skip_set_lib_name();
        if let Some(user) = &config.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &config.password {
            settings = settings.set_password(password);
        }
        let info = address.into_connection_info().map_err(|error| broker_error(attempted, &error))?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        tls::client(info.set_redis_settings(settings).set_tcp_settings(tcp), config).await
    }

    /// Waits until the connection is lost and says why.
    async fn watch_over(&self, mut connection: MultiplexedConnection, suspect: &Notify) -> String {
        let heartbeat = self.config.heartbeat;
        loop {
            let _ = timeout(heartbeat, suspect.notified()).await;
            match timeout(heartbeat, ping(&mut connection)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if !error.is_io_error() => tracing::debug!(%error, "Redis answers the heartbeat with an error"),
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return format!("no answer within {heartbeat:?}"),
            }
        }
    }
}

async fn ping(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    connection.send_packed_command(&redis::cmd("PING")).await.and_then(Value::extract_error).map(drop)
}

/// What the option `durable` declares has to be so.
async fn expect_durable(connection: &mut MultiplexedConnection, attempted: &str) -> Result<(), BrokerError> {
    for (name, expected) in [("appendonly", "yes"), ("appendfsync", "always")] {
        let asked = redis::cmd("CONFIG").arg("GET").arg(name).query_async::<Vec<String>>(connection).await;
        let found = asked.map_err(|error| {
            let error = broker_error(&format!("{attempted} (the option `durable` has it checked that `{name}` is `{expected}`)"), &error);
            BrokerError::new(error.kind(), format!("{error}; grant it with +config|get, or leave the option out")).with_source(error)
        })?;
        if found.get(1).map(String::as_str) != Some(expected) {
            let found = found.get(1).map_or("unset", String::as_str);
            let message = format!(
                "could not {attempted}: the URL says `durable=true`, but the server has `{name} {found}`: set `{name} {expected}` there, or leave the option out, and what was confirmed may be lost in a crash"
            );
            return Err(BrokerError::new(BrokerErrorKind::Topology, message));
        }
    }
    Ok(())
}

async fn rest(pause: &mut Duration) {
    let jitter = rand::rng().random_range(0.5..1.0);
    sleep(pause.mul_f64(jitter)).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
