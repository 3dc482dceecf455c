//! Asking sentinels where the master is.

use rand::RngExt;
use redis::aio::MultiplexedConnection;
use redis::{RedisConnectionInfo, Value};

use super::RedisConfig;
use super::ask::ask;
use super::error::broker_error;
use super::fields::{array, text};
use crate::broker::{BrokerError, BrokerErrorKind};

/// Where the master is, as the first one says that knows; anybody may be the first, so that one that is cut off does not mislead for ever.
pub(super) async fn master(config: &RedisConfig, name: &str, attempted: &str) -> Result<(String, u16), BrokerError> {
    let mut sentinels = config.sentinels.clone();
    if !sentinels.is_empty() {
        let first = rand::rng().random_range(0..sentinels.len());
        sentinels.rotate_left(first);
    }
    let (mut last, mut unknown) = (None, false);
    for sentinel in sentinels {
        match ask_for(config, sentinel, name, attempted).await {
            Ok(Some(master)) => return Ok(master),
            Ok(None) => unknown = true,
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) if !unknown => error,
        _ => unknown_master(name, attempted),
    })
}

async fn ask_for(
    config: &RedisConfig,
    (host, port): (String, u16),
    name: &str,
    attempted: &str,
) -> Result<Option<(String, u16)>, BrokerError> {
    let attempted = format!("{attempted}: ask the sentinel at {host}:{port}");
    let command = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).to_owned();
    let asked = ask(config, (host, port), settings(config), &command, &attempted).await;
    let mut parts = array(asked.map_err(told)?).into_iter().filter_map(text);
    Ok(parts.next().zip(parts.next().and_then(|port| port.parse().ok())))
}

/// Sentinels have users of their own.
fn settings(config: &RedisConfig) -> RedisConnectionInfo {
    let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = &config.sentinel_user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &config.sentinel_password {
        settings = settings.set_password(password);
    }
    settings
}

/// With where the sentinel's own password is given.
fn told(error: BrokerError) -> BrokerError {
    if error.kind() != BrokerErrorKind::Authentication {
        return error;
    }
    let message = format!("{error}; what a sentinel wants to know of its client are the options `sentinel_user` and `sentinel_password`");
    BrokerError::new(error.kind(), message).with_source(error)
}

fn unknown_master(name: &str, attempted: &str) -> BrokerError {
    let message = format!(
        "could not {attempted}: the sentinels know no master by the name `{name}`; it is the first word behind `sentinel monitor` in their configuration"
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}

/// Whether the server is a master: one that was replaced knows it before its clients do.
pub(super) async fn expect_master(connection: &mut MultiplexedConnection, attempted: &str) -> Result<(), BrokerError> {
    let answer = connection.send_packed_command(&redis::cmd("ROLE")).await.and_then(Value::extract_error);
    let role = answer.map(array).map_err(|error| broker_error(attempted, &error))?;
    match role.into_iter().next().and_then(text).as_deref() {
        Some("master") => Ok(()),
        role => {
            let message =
                format!("could not {attempted}: the server is no master ({}); a failover is under way", role.unwrap_or("unknown"));
            Err(BrokerError::new(BrokerErrorKind::Connection, message))
        }
    }
}
