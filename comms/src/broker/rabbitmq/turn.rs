//! One reader of a dead-letter queue at a time, over all processes.
//!
//! AMQP shows messages only by handing them out, and what one reader holds no other sees: a replay would stop
//! halfway because a member looks whether its key is free, and the member would take the key for free. The turn is an
//! exclusive queue beside the dead letters, which the server deletes when its holder's channel is gone.

use std::time::Duration;

use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio::sync::MutexGuard;
use tokio::time::{Instant, sleep};

use super::error::{broker_error, code_of};
use super::shared::{Shared, create_channel};
use super::topology::short;
use crate::broker::{BrokerError, BrokerErrorKind};

/// How soon to look again whether the other reader is done.
const PAUSE: Duration = Duration::from_millis(25);
/// How long the server may take to put back what was read.
const PUT_BACK: Duration = Duration::from_secs(2);

/// The right to read a dead-letter queue. When it is dropped, lapin closes its channel, and the right ends with that.
pub(super) struct Turn<'a> {
    channel: Channel,
    /// Keeps the exclusive queue, which goes with its last consumer.
    _kept: Consumer,
    letters: String,
    /// A connection excludes only others.
    _here: MutexGuard<'a, ()>,
}

impl<'a> Turn<'a> {
    /// Waits for its turn, as long as a publish would.
    pub(super) async fn take(shared: &'a Shared, letters: &str) -> Result<Self, BrokerError> {
        let deadline = Instant::now() + shared.config.publish_timeout;
        let name = short(&format!("{letters}.reader"))?;
        let attempted = format!("read the dead letters in `{letters}`");
        let here = tokio::time::timeout_at(deadline, shared.reading.lock()).await.map_err(|_| others(&attempted, shared))?;
        loop {
            let connection = shared.publishing.up().await?;
            let channel = create_channel(&connection, &attempted).await?;
            match claim(&channel, name.clone()).await {
                Ok(kept) => return Ok(Self { channel, _kept: kept, letters: letters.to_owned(), _here: here }),
                // Another connection has it, or the last holder's is just going.
                Err(error) if matches!(code_of(&error), Some(404 | 405)) && Instant::now() < deadline => sleep(PAUSE).await,
                Err(error) if code_of(&error) == Some(405) => return Err(others(&attempted, shared).with_source(error)),
                Err(error) => return Err(broker_error(&attempted, &error)),
            }
        }
    }

    /// Ends it once the server has put back the letters that were read and not taken off.
    pub(super) async fn end(self, held: usize) {
        let deadline = Instant::now() + PUT_BACK;
        while self.is_missing(held).await && Instant::now() < deadline {
            sleep(PAUSE).await;
        }
        let _ = self.channel.close(200, "done".into()).await;
    }

    async fn is_missing(&self, held: usize) -> bool {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let Ok(name) = short(&self.letters) else { return false };
        let there = self.channel.queue_declare(name, options, FieldTable::default()).await;
        // When the queue or the connection is gone there is nothing to wait for.
        there.is_ok_and(|queue| u64::from(queue.message_count()) < held as u64)
    }
}

async fn claim(channel: &Channel, name: ShortString) -> Result<Consumer, lapin::Error> {
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.clone(), options, FieldTable::default()).await?;
    channel.basic_consume(name, ShortString::default(), BasicConsumeOptions::default(), FieldTable::default()).await
}

fn others(attempted: &str, shared: &Shared) -> BrokerError {
    let within = shared.config.publish_timeout;
    let message = format!("could not {attempted} within {within:?}: somebody else reads them, a replay for example; try again");
    BrokerError::new(BrokerErrorKind::Refused, message)
}
