//! What an independent client reads on Kafka: librdkafka by itself, with nothing of ours around it.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::PATIENCE;

/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(5);

const COMMITTED: &str = "read_committed";
const ALL: &str = "read_uncommitted";

fn consumer(brokers: &str, isolation: &str) -> BaseConsumer {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("group.id", "independent").set("isolation.level", isolation);
    client.set("enable.partition.eof", "true").set("enable.auto.commit", "false");
    client.create().unwrap_or_else(|error| panic!("{error}"))
}

/// Whether a transaction is open on the topic. Blocks.
#[must_use]
pub fn is_open(brokers: &str, topic: &str) -> bool {
    ends(brokers, topic).values().any(|(committed, all)| committed != all)
}

/// Where each partition of the topic ends for those who read what was committed, and where it ends; -1 where nobody says. Blocks.
#[must_use]
pub fn ends(brokers: &str, topic: &str) -> BTreeMap<i32, (i64, i64)> {
    let (committed, all) = (consumer(brokers, COMMITTED), consumer(brokers, ALL));
    let metadata = committed.fetch_metadata(Some(topic), ANSWER).unwrap_or_else(|error| panic!("{topic}: {error}"));
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id());
    let end = |consumer: &BaseConsumer, partition| consumer.fetch_watermarks(topic, partition, ANSWER).map_or(-1, |(_, end)| end);
    partitions.into_iter().map(|partition| (partition, (end(&committed, partition), end(&all, partition)))).collect()
}

/// The payloads of a topic from its start to where it ends now: those of transactions that were committed, or all that were ever written.
/// Blocks.
#[must_use]
pub fn payloads(brokers: &str, topic: &str, committed_only: bool) -> Vec<String> {
    let isolation = if committed_only { COMMITTED } else { ALL };
    let consumer = consumer(brokers, isolation);
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).unwrap_or_else(|error| panic!("{topic}: {error}"));
    let mut from = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        from.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap_or_else(|error| panic!("{error}"));
    }
    let partitions = from.count();
    consumer.assign(&from).unwrap_or_else(|error| panic!("{error}"));
    let (mut ended, mut payloads, deadline) = (HashSet::new(), Vec::new(), Instant::now() + PATIENCE);
    while ended.len() < partitions {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => payloads.push(String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()),
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
            _ => assert!(Instant::now() < deadline, "`{topic}` was not read to its end: {ended:?} of {partitions}"),
        }
    }
    payloads
}
