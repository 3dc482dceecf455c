//! The dead letters of a subscription: a compacted topic, where each letter has a key of its own, and an empty message with that
//! key takes it off.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rdkafka::Message;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Asking};
use super::config::config_error;
use super::error::broker_error;
use super::headers::{self, Read};
use super::names::Names;
use super::provenance;
use super::shared::Shared;
use super::topics::{ANSWER, blocking};
use crate::broker::{BrokerError, BrokerErrorKind, DeadLetter, DeadLetterFilter, Provenance, Subscription};
use crate::error::Class;
use crate::message::Envelope;

/// A letter with what is needed to take it off, and to send it back as it came.
pub(super) struct Letter {
    pub(super) key: Vec<u8>,
    pub(super) letter: DeadLetter,
    pub(super) foreign: Option<OwnedHeaders>,
}

/// The letters that the filter selects, oldest first.
pub(super) async fn read(
    shared: &Arc<Shared>,
    subscription: &Subscription,
    names: &Names,
    filter: &DeadLetterFilter,
) -> Result<Vec<Letter>, BrokerError> {
    if subscription.ephemeral {
        let message = format!("the subscription `{}` is ephemeral: it keeps no dead letters", names.group);
        return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
    }
    if shared.is_closed() {
        return Err(BrokerError::closed("read the dead letters"));
    }
    let (scanning, topic, group) = (Arc::clone(shared), names.dead_letters.clone(), subscription.group.clone());
    let all = blocking(move || scan(&scanning, &topic, &group)).await?;
    let selected = all.into_iter().filter(|letter| filter.selects(&letter.letter.envelope));
    Ok(selected.take(filter.limit.unwrap_or(usize::MAX)).collect())
}

/// Reads the topic from its start to where it ends now. Blocks.
fn scan(shared: &Shared, topic: &str, group: &str) -> Result<Vec<Letter>, BrokerError> {
    let attempted = format!("read the dead letters in `{topic}`");
    let (low, end) = match shared.topics.lookup.fetch_watermarks(topic, 0, ANSWER) {
        Ok(watermarks) => watermarks,
        // Nobody has subscribed yet.
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(broker_error(&attempted, &error)),
    };
    let mut letters = Vec::new();
    if low >= end {
        return Ok(letters);
    }
    let consumer = reader(shared, topic, low, &attempted)?;
    let name: Arc<str> = topic.into();
    let deadline = Instant::now() + shared.config.publish_timeout;
    loop {
        match consumer.poll(ANSWER) {
            Some(Ok(message)) => {
                let key = message.key().unwrap_or_default().to_vec();
                letters.retain(|letter: &Letter| letter.key != key || key.is_empty());
                if message.payload().is_some() {
                    letters.push(decode(headers::read(&message, &name, &name), key, group));
                }
                if message.offset() + 1 >= end {
                    return Ok(letters);
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(letters),
            Some(Err(error)) => tracing::debug!(%error, topic, "reading dead letters"),
            None if Instant::now() >= deadline => {
                let message = format!("could not {attempted} within {:?}", shared.config.publish_timeout);
                return Err(BrokerError::new(BrokerErrorKind::Connection, message));
            }
            None => {}
        }
    }
}

fn is_missing(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition))
}

/// A consumer that belongs to no group.
fn reader(shared: &Shared, topic: &str, low: i64, attempted: &str) -> Result<BaseConsumer<Asking>, BrokerError> {
    let mut client = client::consumer(&shared.config, &shared.service, &format!("comms-letters-{}", uuid::Uuid::new_v4()));
    client.remove("group.instance.id");
    client.set("enable.partition.eof", "true");
    let made = BaseConsumer::from_config_and_context(&client, Asking(Arc::clone(&shared.health)));
    let consumer = made.map_err(|error| config_error(format!("could not make a Kafka consumer: {error}")))?;
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, 0, Offset::Offset(low)).map_err(|error| broker_error(attempted, &error))?;
    consumer.assign(&from).map_err(|error| broker_error(attempted, &error))?;
    Ok(consumer)
}

fn decode(read: Read, key: Vec<u8>, group: &str) -> Letter {
    let envelope = Arc::new(read.envelope);
    let written = read.provenance.as_deref().and_then(provenance::read);
    let provenance = written.unwrap_or_else(|| unknown(&envelope, group));
    Letter { key, letter: DeadLetter::new(envelope, provenance), foreign: read.foreign }
}

/// Of what somebody else put there.
fn unknown(envelope: &Envelope, group: &str) -> Provenance {
    Provenance {
        topic: envelope.topic.to_string(),
        group: group.to_owned(),
        service: String::new(),
        handler: String::new(),
        reason: "failed".to_owned(),
        class: Class::Unknown,
        errors: vec!["put here by something else than comms".to_owned()],
        attempts: envelope.metadata.attempt,
        first_seen: envelope.metadata.time.unwrap_or(Timestamp::UNIX_EPOCH),
        given_up: envelope.metadata.time.unwrap_or(Timestamp::UNIX_EPOCH),
    }
}
