//! Making connections, and watching over one.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, PushInfo, RedisConnectionInfo,
    RedisError, Value,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::RedisConfig;
use super::cluster::Slot;
use super::connection::LinkState;
use super::durable::expect_durable;
use super::error::{broker_error, is_fatal, redirection};
use super::{sentinel, tls};
use crate::broker::{BrokerError, BrokerErrorKind};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the server may take to let us in.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Makes connections.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) config: Arc<RedisConfig>,
    pub(super) name: String,
    /// What of a cluster it is to reach.
    pub(super) slot: Option<Slot>,
}

impl Dialer {
    /// The first connection: bounded, and an error that waiting can't mend ends it at once.
    pub(super) async fn first(&self) -> Result<MultiplexedConnection, BrokerError> {
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
    pub(super) async fn again(&self, state: &watch::Sender<LinkState>) -> MultiplexedConnection {
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

    pub(super) async fn dial(&self) -> Result<MultiplexedConnection, BrokerError> {
        let attempted = self.attempted();
        // A read that blocks is answered late; silence is found out by the heartbeat.
        let options = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None).set_pipeline_buffer_size(1024);
        in_time(&attempted, self.patience(), self.enter(&attempted, self.settings(), options)).await
    }

    pub(super) async fn dial_subscriber(&self) -> Result<PubSub, BrokerError> {
        let attempted = self.attempted();
        let entering = async {
            let client = self.client(&attempted, self.settings()).await?;
            client.get_async_pubsub().await.map_err(|error| broker_error(&attempted, &error))
        };
        in_time(&attempted, self.patience(), entering).await
    }

    /// A connection that subscribes to sharded channels, and what it is told.
    pub(super) async fn dial_sharded(&self) -> Result<(MultiplexedConnection, mpsc::UnboundedReceiver<PushInfo>), BrokerError> {
        let attempted = self.attempted();
        let (sender, told) = mpsc::unbounded_channel();
        let options = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None).set_push_sender(sender);
        let settings = self.settings().set_protocol(ProtocolVersion::RESP3);
        Ok((in_time(&attempted, self.patience(), self.enter(&attempted, settings, options)).await?, told))
    }

    fn attempted(&self) -> String {
        let config = &self.config;
        let user = config.user.as_deref().unwrap_or("default");
        let whose = match (&config.sentinel, &self.slot) {
            (Some(name), _) => format!("the master `{name}` of the sentinels at "),
            (_, Some(slot)) => format!("the master of the slot {} in the cluster at ", slot.number),
            _ => String::new(),
        };
        format!("connect to Redis at {whose}{} as `{user}`, database {}", config.place(), config.database)
    }

    /// Who asks others for the master is to ask again soon when the one that they knew does not answer.
    fn patience(&self) -> Duration {
        match self.config.sentinel.is_some() || self.slot.is_some() {
            true => ATTEMPT.min(self.config.heartbeat * 2),
            false => ATTEMPT,
        }
    }

    fn settings(&self) -> RedisConnectionInfo {
        let config = &self.config;
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(config.database)).set_skip_set_lib_name();
        if let Some(user) = &config.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &config.password {
            settings = settings.set_password(password);
        }
        settings
    }

    async fn enter(
        &self,
        attempted: &str,
        settings: RedisConnectionInfo,
        options: AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, BrokerError> {
        let client = self.client(attempted, settings).await?;
        let connecting = client.get_multiplexed_async_connection_with_config(&options).await;
        let mut connection = connecting.map_err(|error| broker_error(attempted, &error))?;
        // Only for people who look at the server: a user may lack the right.
        let _ = connection.send_packed_command(redis::cmd("CLIENT").arg("SETNAME").arg(&self.name)).await;
        // The server loads its data, or the user may not even do this.
        self.ping(&mut connection).await.map_err(|error| self.error(attempted, &error))?;
        if self.config.sentinel.is_some() {
            sentinel::expect_master(&mut connection, attempted).await?;
        }
        if self.config.durable {
            expect_durable(&mut connection, attempted).await?;
        }
        Ok(connection)
    }

    async fn client(&self, attempted: &str, settings: RedisConnectionInfo) -> Result<Client, BrokerError> {
        let config = &self.config;
        let (host, port) = match (&config.sentinel, &self.slot) {
            (Some(name), _) => sentinel::master(config, name, attempted).await?,
            (_, Some(slot)) => slot.master(config, &settings, attempted).await?,
            _ => (config.host.clone(), config.port),
        };
        tls::client(info(config, host, port, settings, attempted)?, config).await
    }

    /// Waits until the connection is lost and says why.
    pub(super) async fn watch_over(&self, mut connection: MultiplexedConnection, suspect: &Notify) -> String {
        let heartbeat = self.config.heartbeat;
        loop {
            let _ = timeout(heartbeat, suspect.notified()).await;
            match timeout(heartbeat, self.ping(&mut connection)).await {
                Ok(Ok(())) if self.config.sentinel.is_none() => {}
                Ok(Ok(())) => match timeout(heartbeat, sentinel::expect_master(&mut connection, "go on")).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return error.to_string(),
                    Err(_) => return format!("no answer within {heartbeat:?}"),
                },
                // The slot went to another node, or the node does not know who has it.
                Ok(Err(error)) if self.slot.is_some() && redirection(&error).is_some() => return error.to_string(),
                Ok(Err(error)) if !error.is_io_error() => tracing::debug!(%error, "Redis answers the heartbeat with an error"),
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return format!("no answer within {heartbeat:?}"),
            }
        }
    }

    /// Whether the server answers, and is still the one that is meant.
    pub(super) async fn ping(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        match &self.slot {
            Some(slot) => slot.probe(connection).await,
            None => connection.send_packed_command(&redis::cmd("PING")).await.and_then(Value::extract_error).map(drop),
        }
    }

    /// What another node is to be asked for is waited out in a cluster; elsewhere it is a mistake in the URL.
    pub(super) fn error(&self, attempted: &str, error: &RedisError) -> BrokerError {
        match self.slot.is_some() && redirection(error).is_some() {
            true => BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted}: {error}")).with_source(error.clone()),
            false => broker_error(attempted, error),
        }
    }
}

/// How a server, or a sentinel, is reached.
pub(super) fn info(
    config: &RedisConfig,
    host: String,
    port: u16,
    settings: RedisConnectionInfo,
    attempted: &str,
) -> Result<ConnectionInfo, BrokerError> {
    let address = match config.tls {
        true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        false => ConnectionAddr::Tcp(host, port),
    };
    let info = address.into_connection_info().map_err(|error| broker_error(attempted, &error))?;
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

async fn in_time<T>(attempted: &str, patience: Duration, entering: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
    timeout(patience, entering).await.unwrap_or_else(|_| {
        Err(BrokerError::new(
            BrokerErrorKind::Connection,
            format!("could not {attempted}: no answer within {patience:?}; check the address and that the port speaks Redis's protocol"),
        ))
    })
}

async fn rest(pause: &mut Duration) {
    let jitter = rand::rng().random_range(0.5..1.0);
    sleep(pause.mul_f64(jitter)).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
