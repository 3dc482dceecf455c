//! Waiting for what a lost connection holds up, within a time.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::error::is_fatal;
use crate::broker::{BrokerError, BrokerErrorKind};

/// How long to wait before something is tried again.
const AGAIN: Duration = Duration::from_millis(50);

pub(super) fn no_room() -> BrokerError {
    let message = "the message was not sent before its deadline: too many others wait for Kafka to confirm them";
    BrokerError::new(BrokerErrorKind::Unknown, message)
}

/// Repeats what a lost connection makes fail, within the time.
pub(super) async fn patiently<T, F>(within: Duration, attempted: &str, work: impl Fn() -> F) -> Result<T, BrokerError>
where
    F: Future<Output = Result<T, BrokerError>>,
{
    let deadline = Instant::now() + within;
    loop {
        let error = match timeout_at(deadline, work()).await {
            Ok(Err(error)) if !is_fatal(error.kind()) => error,
            Ok(result) => return result,
            Err(_) => {
                let message = format!("could not {attempted} within {within:?}: no answer from Kafka");
                return Err(BrokerError::new(BrokerErrorKind::Connection, message));
            }
        };
        tracing::debug!(%error, "trying again");
        if Instant::now() + AGAIN >= deadline {
            let message = format!("could not {attempted} within {within:?}: {error}");
            return Err(BrokerError::new(BrokerErrorKind::Connection, message));
        }
        sleep(AGAIN).await;
    }
}
