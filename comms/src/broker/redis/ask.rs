//! One question to a server, on a connection for nothing else.

use std::time::Duration;

use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisError, Value};

use super::RedisConfig;
use super::dialer::info;
use super::error::broker_error;
use super::tls;
use crate::broker::BrokerError;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn ask(
    config: &RedisConfig,
    (host, port): (String, u16),
    settings: RedisConnectionInfo,
    command: &Cmd,
    attempted: &str,
) -> Result<Value, BrokerError> {
    let failed = |error: RedisError| broker_error(attempted, &error);
    let client = tls::client(info(config, host, port, settings, attempted)?, config).await?;
    let options = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE)).set_connection_timeout(Some(PATIENCE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&options).await.map_err(failed)?;
    connection.send_packed_command(command).await.and_then(Value::extract_error).map_err(failed)
}
