//! A connection on which reads block.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use tokio::time::{sleep, timeout};

use super::fields::number;
use super::shared::Shared;
use crate::broker::{BrokerError, BrokerErrorKind};

/// How long a read blocks when nothing comes.
pub(super) const BLOCK: Duration = Duration::from_secs(2);

/// A connection of its own, and by what name others can wake it.
pub(super) struct Reader {
    connection: MultiplexedConnection,
    id: i64,
    patience: Duration,
}

impl Reader {
    pub(super) async fn open(shared: &Shared) -> Result<Self, BrokerError> {
        let mut connection = shared.link.dialer().dial().await?;
        let asked = connection.send_packed_command(redis::cmd("CLIENT").arg("ID")).await.and_then(Value::extract_error);
        // Without the right to ask, it is woken by the end of its block.
        let id = asked.map_or(0, |id| number(&id));
        Ok(Self { connection, id, patience: BLOCK + shared.config.heartbeat * 2 })
    }

    /// The answer to a command that blocks; it is cut short once `interrupted` is ready. What was read by then is in
    /// the answer.
    pub(super) async fn read(
        &mut self,
        shared: &Shared,
        attempted: &str,
        command: &Cmd,
        interrupted: impl Future<Output = ()>,
    ) -> Result<Value, BrokerError> {
        let reading = timeout(self.patience, self.connection.send_packed_command(command));
        tokio::pin!(reading);
        let answer = tokio::select! {
            biased;
            answer = &mut reading => answer,
            () = interrupted => tokio::select! {
                answer = &mut reading => answer,
                never = unblock(shared, self.id) => match never {},
            },
        };
        let answer = answer.map_err(|_| {
            let patience = self.patience;
            BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted}: no answer within {patience:?}"))
        })?;
        answer.and_then(Value::extract_error).map_err(|error| shared.link.dialer().error(attempted, &error))
    }
}

/// Wakes the read, again and again: it may not have begun yet.
async fn unblock(shared: &Shared, id: i64) -> std::convert::Infallible {
    loop {
        if id > 0 {
            let _ = shared.link.ask("wake a read", redis::cmd("CLIENT").arg("UNBLOCK").arg(id)).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}
