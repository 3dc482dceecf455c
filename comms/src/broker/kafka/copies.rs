//! Copies of a message on their way: to a rung of the ladder, to the dead letters, and back.

use std::time::Duration;

use jiff::Timestamp;
use rdkafka::message::OwnedHeaders;

use super::headers::{Extra, write_copy};
use super::names::Names;
use super::provenance;
use super::shared::{Outgoing, Shared};
use super::trail::Destination;
use crate::broker::{BrokerError, BrokerErrorKind, DeadLetter, REPLAYED};
use crate::message::Envelope;

/// The message, to be held back. A rung delivers in its order, so each has one delay; what asks for more than the last one gives
/// stays there until its time.
pub(super) fn retry(names: &Names, again: &Envelope, foreign: Option<&OwnedHeaders>, delay: Duration) -> Result<Outgoing, BrokerError> {
    let rung = names.rung(delay).ok_or_else(|| BrokerError::new(BrokerErrorKind::Config, "the ladder of delays is empty"))?;
    let not_before = Timestamp::now().checked_add(delay.max(rung.delay)).ok();
    let headers = write_copy(again, Extra { not_before, foreign, ..Extra::default() });
    Ok(copy(&rung.topic, headers, again))
}

/// The letter, to be put beside the others of its subscription under a key of its own, by which it can be taken off.
pub(super) fn dead_letter(names: &Names, letter: DeadLetter, foreign: Option<&OwnedHeaders>) -> Outgoing {
    let text = provenance::write(letter.provenance);
    let headers = write_copy(&letter.envelope, Extra { provenance: Some(&text), foreign, ..Extra::default() });
    let key = uuid::Uuid::now_v7().to_string();
    Outgoing {
        topic: names.dead_letters.as_str().into(),
        destination: Destination::Fixed(0),
        key: Some(key.into_bytes()),
        headers,
        payload: Some(letter.envelope.payload.clone()),
    }
}

/// Takes a letter off.
pub(super) async fn take_off(shared: &Shared, names: &Names, key: Vec<u8>) -> Result<(), BrokerError> {
    let topic = names.dead_letters.as_str().into();
    shared.send(Outgoing { topic, destination: Destination::Fixed(0), key: Some(key), headers: OwnedHeaders::new(), payload: None }).await
}

/// Sends a letter back to its subscription, as if it had never been tried.
pub(super) async fn replay(shared: &Shared, names: &Names, letter: &Envelope, foreign: Option<&OwnedHeaders>) -> Result<(), BrokerError> {
    let mut envelope = letter.clone();
    envelope.metadata.attempt = 0;
    envelope.metadata.extensions.insert(REPLAYED.to_owned(), "true".to_owned());
    match &names.again {
        Some(topic) => shared.send(copy(topic, write_copy(&envelope, Extra { foreign, ..Extra::default() }), &envelope)).await,
        // Only in the topic itself does it keep its shard.
        None => {
            let extra = Extra { foreign, only_for: Some(&names.group), ..Extra::default() };
            let headers = write_copy(&envelope, extra);
            let topic = shared.config.topic(&envelope.topic);
            let (topic, partitions) = shared.topics.ensure(&topic).await?;
            let key = envelope.metadata.key.as_ref().map(|key| key.as_bytes().to_vec());
            let destination = Destination::of(key.as_ref(), partitions);
            shared.send(Outgoing { topic, destination, key, headers, payload: Some(envelope.payload.clone()) }).await
        }
    }
}

/// To a topic with one partition.
fn copy(topic: &str, headers: OwnedHeaders, envelope: &Envelope) -> Outgoing {
    let key = envelope.metadata.key.as_ref().map(|key| key.as_bytes().to_vec());
    Outgoing { topic: topic.into(), destination: Destination::Fixed(0), key, headers, payload: Some(envelope.payload.clone()) }
}
