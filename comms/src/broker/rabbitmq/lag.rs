//! How far a group is behind, by what AMQP itself tells: a passive declaration answers with how many messages of a queue are ready.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::error::{broker_error, code_of};
use super::queues;
use super::shared::{Shared, create_channel};
use super::topology::{Topology, short};
use crate::broker::{BrokerError, BrokerErrorKind, Lag, PartLag, Subscription};

/// How many rungs are looked up at a time.
const AT_ONCE: usize = 8;
/// How soon a rung that was not there is looked for again.
const AGAIN: Duration = Duration::from_secs(60);

pub(super) async fn lag(shared: &Shared, subscription: &Subscription) -> Result<Lag, BrokerError> {
    let topology = Topology::new(&shared.config, subscription)?;
    let ordered = subscription.order.is_some();
    let mut lag = Lag::none();
    let channel = open(shared).await?;
    for (shard, queue) in topology.queues.iter().enumerate() {
        let waiting = ready(&channel, &queue.name).await?.ok_or_else(|| missing(&topology, &queue.name))?;
        lag.waiting += waiting;
        if ordered {
            lag.parts.push(PartLag::new(format!("shard {shard}"), waiting, ""));
        }
    }
    let _ = channel.close(200, "done".into()).await;
    lag.unsettled = shared.held(&topology.name);
    lag.delayed = delayed(shared, &topology).await?;
    Ok(lag)
}

/// What waits on the ladders. Rungs are made when they are first used, so most are not there.
async fn delayed(shared: &Shared, topology: &Topology) -> Result<u64, BrokerError> {
    if topology.dead_letters.is_none() {
        return Ok(0);
    }
    let ladder = &shared.config.ladder;
    let rungs = topology.queues.iter().flat_map(|queue| ladder.iter().map(|&rung| queues::rung(&shared.config, &queue.name, rung).name));
    let sought: Vec<String> = rungs.filter(|rung| !shared.is_missed(rung, AGAIN)).collect();
    let counts = stream::iter(sought).map(|rung| on_rung(shared, rung)).buffer_unordered(AT_ONCE);
    counts.try_fold(0, async |sum, count| Ok(sum + count)).await
}

async fn on_rung(shared: &Shared, rung: String) -> Result<u64, BrokerError> {
    let channel = open(shared).await?;
    let Some(count) = ready(&channel, &rung).await? else {
        shared.missed_rung(&rung);
        return Ok(0);
    };
    shared.found_rung(&rung);
    let _ = channel.close(200, "done".into()).await;
    Ok(count)
}

/// How many messages of the queue no member has; nothing if there is no such queue, and the server has closed the channel then.
async fn ready(channel: &Channel, queue: &str) -> Result<Option<u64>, BrokerError> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(short(queue)?, options, FieldTable::default()).await {
        Ok(found) => Ok(Some(u64::from(found.message_count()))),
        Err(error) if code_of(&error) == Some(404) => Ok(None),
        Err(error) => Err(broker_error(&format!("count the messages in `{queue}`"), &error)),
    }
}

async fn open(shared: &Shared) -> Result<Channel, BrokerError> {
    let connection = shared.publishing.up().await?;
    create_channel(&connection, "tell how far a group is behind").await
}

fn missing(topology: &Topology, queue: &str) -> BrokerError {
    let message = format!(
        "could not tell how far the group of `{}` is behind: there is no queue `{queue}`. A group exists once a member has started, or after `topology apply`; with another number of shards it has other queues",
        topology.name
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}
