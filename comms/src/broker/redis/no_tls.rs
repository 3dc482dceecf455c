//! Without the feature `redis-tls`: the configuration has refused `rediss://` before.

use redis::{Client, ConnectionInfo};

use super::RedisConfig;
use super::error::broker_error;
use crate::broker::BrokerError;

#[allow(clippy::unused_async, reason = "its sibling reads files")]
pub(super) async fn client(info: ConnectionInfo, _config: &RedisConfig) -> Result<Client, BrokerError> {
    Client::open(info).map_err(|error| broker_error("use the Redis URL", &error))
}
