//! Whether the server is as durable as the URL says.

use redis::aio::MultiplexedConnection;

use super::error::broker_error;
use crate::broker::{BrokerError, BrokerErrorKind};

/// What the option `durable` declares has to be so.
pub(super) async fn expect_durable(connection: &mut MultiplexedConnection, attempted: &str) -> Result<(), BrokerError> {
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
