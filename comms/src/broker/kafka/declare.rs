//! Declaring a subscription: its topics, and where its group begins.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::config::KafkaConfig;
use super::error::broker_error;
use super::marks::{Mark, is_known, metadata_of};
use super::names::Names;
use super::shared::Shared;
use super::topics::{ANSWER, TopicKind, Wanted};
use crate::broker::{BrokerError, BrokerErrorKind, StartPosition, Subscription};

/// The topics that a subscription needs.
pub(super) fn wanted(shared: &Shared, subscription: &Subscription, names: &Names) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    if subscription.topic.is_literal() {
        let shards = subscription.order.map_or(0, |order| usize::from(order.shards.get()));
        // Replies to one process: nobody shares them, and nobody reads them later.
        let (partitions, kind) = match subscription.ephemeral {
            true => (1, TopicKind::Passing),
            false => (usize::from(shared.config.partitions).max(shards), TopicKind::Messages),
        };
        wanted.push(Wanted::new(&shared.config.topic(subscription.topic.as_str()), partitions, kind));
    }
    if !subscription.ephemeral {
        wanted.extend(names.side_topics().map(|topic| Wanted::new(topic, 1, TopicKind::Side)));
        wanted.push(Wanted::new(&names.dead_letters, 1, TopicKind::Letters));
    }
    wanted
}

/// The topics that the subscription listens to, of all that there are.
pub(super) fn listened(config: &KafkaConfig, subscription: &Subscription, topics: &HashMap<String, usize>) -> Vec<(Arc<str>, usize)> {
    let is_meant = |topic: &str| config.logical(topic).is_some_and(|topic| subscription.topic.matches(topic)) && !topic.starts_with("__");
    let matching = topics.iter().filter(|(topic, _)| is_meant(topic));
    matching.map(|(topic, &partitions)| (topic.as_str().into(), partitions)).collect()
}

/// Makes the topics that are missing; returns those that the subscription listens to.
pub(super) async fn topics(shared: &Shared, subscription: &Subscription, names: &Names) -> Result<Vec<(Arc<str>, usize)>, BrokerError> {
    let topics = shared.topics.ensure_all(&wanted(shared, subscription, names)).await?;
    Ok(listened(&shared.config, subscription, &topics))
}

/// What the group was declared with: kept beside an offset of a topic that only this group has.
fn charter(subscription: &Subscription) -> String {
    let shards = subscription.order.map_or(0, |order| order.shards.get());
    format!("comms1;shards={shards}")
}

fn shards_of(charter: &str) -> Option<u16> {
    charter.strip_prefix("comms1;shards=")?.parse().ok()
}

/// Declares the group: a new one begins with what is new, unless it asks for the earliest. Blocks.
///
/// A group that is there begins where it left; topics that came meanwhile it reads from their start.
pub(super) fn group<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    subscription: &Subscription,
    names: &Names,
    topics: &[(Arc<str>, usize)],
) -> Result<(), BrokerError> {
    let attempted = format!("declare the group `{}`", names.group);
    match declared(consumer, subscription, names)? {
        Declared::AsOurs => return Ok(()),
        Declared::Otherwise(shards) => return Err(another_order(subscription, shards)),
        Declared::Not => {}
    }
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition(&names.dead_letters, 0).set_metadata(charter(subscription));
    set(&mut offsets, &names.dead_letters, 0, 0, &attempted)?;
    if subscription.from == StartPosition::New && !is_there(consumer, topics, &attempted)? {
        for (topic, partitions) in topics {
            for partition in 0..i32::try_from(*partitions).unwrap_or(i32::MAX) {
                let watermarks = consumer.fetch_watermarks(topic, partition, ANSWER);
                let (_, end) = watermarks.map_err(|error| broker_error(&attempted, &error))?;
                offsets.add_partition(topic, partition).set_metadata(Mark::default().write(end));
                set(&mut offsets, topic, partition, end, &attempted)?;
            }
        }
    }
    let committed = consumer.commit(&offsets, CommitMode::Sync);
    match committed.as_ref().err().and_then(rdkafka::error::KafkaError::rdkafka_error_code) {
        // Another member was faster, and is in the group already.
        Some(Code::UnknownMemberId | Code::IllegalGeneration | Code::RebalanceInProgress) => {
            match declared(consumer, subscription, names)? {
                Declared::AsOurs => Ok(()),
                Declared::Otherwise(shards) => Err(another_order(subscription, shards)),
                Declared::Not => Err(BrokerError::new(
                    BrokerErrorKind::Connection,
                    format!("could not {attempted}: it has members already that did not declare it"),
                )),
            }
        }
        _ => committed.map_err(|error| broker_error(&attempted, &error)),
    }
}

fn set(offsets: &mut TopicPartitionList, topic: &str, partition: i32, offset: i64, attempted: &str) -> Result<(), BrokerError> {
    offsets.set_partition_offset(topic, partition, Offset::Offset(offset)).map_err(|error| broker_error(attempted, &error))
}

enum Declared {
    Not,
    AsOurs,
    Otherwise(u16),
}

fn declared<C: ConsumerContext>(consumer: &BaseConsumer<C>, subscription: &Subscription, names: &Names) -> Result<Declared, BrokerError> {
    let shards = declared_shards(consumer, names)?;
    let ours = subscription.order.map_or(0, |order| order.shards.get());
    Ok(shards.map_or(Declared::Not, |shards| if shards == ours { Declared::AsOurs } else { Declared::Otherwise(shards) }))
}

/// With how many shards the group was declared (0: without order); `None` when it was not. Blocks.
pub(super) fn declared_shards<C: ConsumerContext>(consumer: &BaseConsumer<C>, names: &Names) -> Result<Option<u16>, BrokerError> {
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&names.dead_letters, 0);
    let attempted = format!("look up the group `{}`", names.group);
    let found = stable(consumer, asked, &attempted)?;
    let charter = found.find_partition(&names.dead_letters, 0).filter(|found| matches!(found.offset(), Offset::Offset(_)));
    Ok(charter.and_then(|found| shards_of(&metadata_of(&found))))
}

/// Whether the group has offsets without a charter: it was made by hand, or outlived its charter.
fn is_there<C: ConsumerContext>(consumer: &BaseConsumer<C>, topics: &[(Arc<str>, usize)], attempted: &str) -> Result<bool, BrokerError> {
    let mut asked = TopicPartitionList::new();
    for (topic, partitions) in topics {
        asked.add_partition_range(topic, 0, i32::try_from(*partitions).unwrap_or(i32::MAX).saturating_sub(1));
    }
    if asked.count() == 0 {
        return Ok(false);
    }
    let found = stable(consumer, asked, attempted)?;
    Ok(found.elements().iter().any(|found| matches!(found.offset(), Offset::Offset(_))))
}

/// What the group committed. While a transaction is open that says it anew, that is an error which passes.
fn stable<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    asked: TopicPartitionList,
    attempted: &str,
) -> Result<TopicPartitionList, BrokerError> {
    let found = consumer.committed_offsets(asked, ANSWER).map_err(|error| broker_error(attempted, &error))?;
    if is_known(&found) {
        return Ok(found);
    }
    Err(BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted}: a transaction of a member is open")))
}

/// The charter again: brokers forget offsets that nobody commits for days.
pub(super) fn renew(offsets: &mut TopicPartitionList, subscription: &Subscription, names: &Names) {
    offsets.add_partition(&names.dead_letters, 0).set_metadata(charter(subscription));
    let _ = offsets.set_partition_offset(&names.dead_letters, 0, Offset::Offset(0));
}

fn another_order(subscription: &Subscription, found: u16) -> BrokerError {
    let told = |shards: u16| if shards == 0 { "without order".to_owned() } else { format!("with {shards} shards") };
    let ours = subscription.order.map_or(0, |order| order.shards.get());
    let message = format!(
        "could not subscribe `{}`: the group is declared {} on Kafka, and this service declares it {}; keep the order as it is, or choose another group",
        subscription.name(),
        told(found),
        told(ours)
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}
