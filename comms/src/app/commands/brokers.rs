//! Connections that last as long as a command.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Program;
use crate::broker::{Broker, BrokerError, BrokerErrorKind};
use crate::config::Config;

/// A command gives up on a broker that does not answer for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connects to the named broker of the configuration.
pub(super) async fn connect(program: &dyn Program, config: &Config, name: &str) -> Result<Arc<dyn Broker>, BrokerError> {
    let broker = config.brokers.get(name).ok_or_else(|| {
        let message = format!("there is no broker `{name}` in the configuration: add `[brokers.{name}]` with a `url`");
        BrokerError::new(BrokerErrorKind::Config, message)
    })?;
    patiently(&format!("connect to the broker `{name}` at {}", broker.shown_url()), program.connect(name, broker)).await
}

/// Waits for the broker, but not for ever.
pub(super) async fn patiently<T>(attempted: &str, future: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!("could not {attempted}: no answer within {} s", PATIENCE.as_secs());
            Err(BrokerError::new(BrokerErrorKind::Connection, message))
        }
    }
}

/// Whether what the broker holds lives and dies with the process that opened it.
pub(super) fn is_in_process(config: &Config, name: &str) -> bool {
    config.brokers.get(name).is_some_and(|broker| broker.scheme() == "memory")
}
