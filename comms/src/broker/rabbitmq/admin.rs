//! Dead letters and topology, for operators.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel};

use super::RabbitMq;
use super::connection::while_up;
use super::error::broker_error;
use super::headers::{self, write_copy};
use super::lag;
use super::plan;
use super::provenance;
use super::topology::{BUCKETS, Topology, short};
use super::turn::Turn;
use crate::broker::subscription::shard_of;
use crate::broker::{
    Admin, BrokerError, BrokerErrorKind, DeadLetter, DeadLetterFilter, Lag, PlanItem, Position, Provenance, REPLAYED, Subscription,
};
use crate::error::Class;
use crate::message::Envelope;

/// A dead letter that was taken from its queue and not yet acknowledged.
struct Taken {
    tag: u64,
    letter: DeadLetter,
    foreign: Option<Box<BasicProperties>>,
}

/// The dead letters of a subscription, taken one by one; those that are not acknowledged go back to
/// their places when the channel is closed.
struct Reader<'a> {
    channel: Channel,
    queue: String,
    topology: &'a Topology,
    subscription: &'a Subscription,
    filter: &'a DeadLetterFilter,
    selected: usize,
    /// How many were read and not taken off.
    held: usize,
}

impl Reader<'_> {
    /// The next letter that the filter selects.
    async fn next(&mut self) -> Result<Option<Taken>, BrokerError> {
        while self.filter.limit.is_none_or(|limit| self.selected < limit) {
            let got = self.channel.basic_get(short(&self.queue)?, BasicGetOptions::default()).await;
            let Some(message) = got.map_err(|error| self.failed("read", &error))? else { break };
            self.held += 1;
            let taken = self.decode(message.delivery);
            if self.filter.selects(&taken.letter.envelope) {
                self.selected += 1;
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// Reads on to the end: a quorum queue puts what is given back behind what was given back before,
    /// so the order stays only when everything goes back at once.
    async fn finish(&mut self) -> Result<(), BrokerError> {
        if self.held == 0 {
            return Ok(());
        }
        loop {
            let got = self.channel.basic_get(short(&self.queue)?, BasicGetOptions::default()).await;
            if got.map_err(|error| self.failed("read", &error))?.is_none() {
                return Ok(());
            }
            self.held += 1;
        }
    }

    async fn take_off(&mut self, tag: u64) -> Result<(), BrokerError> {
        self.held -= 1;
        self.channel.basic_ack(tag, BasicAckOptions::default()).await.map_err(|error| self.failed("take off", &error))
    }

    fn failed(&self, what: &str, error: &lapin::Error) -> BrokerError {
        broker_error(&format!("{what} the dead letters in `{}`", self.queue), error)
    }

    fn decode(&self, delivery: lapin::message::Delivery) -> Taken {
        let tag = delivery.delivery_tag;
        let died = ServerSide::read(&delivery.properties);
        let read = headers::read(delivery, |topic| self.topic(topic, &died));
        let envelope = Arc::new(read.envelope);
        let written = read.provenance.as_deref().and_then(provenance::read);
        let provenance = written.unwrap_or_else(|| died.provenance(&envelope, self.subscription));
        Taken { tag, letter: DeadLetter::new(envelope, provenance), foreign: read.foreign }
    }

    /// What the server moved here by itself came under the name of the queue.
    fn topic(&self, text: &str, died: &ServerSide) -> Arc<str> {
        match (&died.routing_key, self.subscription.topic.is_literal()) {
            _ if text != self.queue => text.into(),
            (_, true) => self.subscription.topic.as_str().into(),
            (Some(key), false) => key.as_str().into(),
            (None, false) => text.into(),
        }
    }

    /// The queue that the message came from.
    fn home(&self, envelope: &Envelope) -> String {
        let bucket = envelope.metadata.key.as_deref().map_or(0, |key| shard_of(key, BUCKETS));
        self.topology.queue_of_bucket(bucket).name.clone()
    }
}

/// What the server wrote when it moved a message by itself.
#[derive(Default)]
struct ServerSide {
    reason: Option<String>,
    routing_key: Option<String>,
}

impl ServerSide {
    fn read(properties: &BasicProperties) -> Self {
        let Some(headers) = properties.headers() else { return Self::default() };
        let reason = headers.inner().get("x-first-death-reason").and_then(plain);
        let deaths = match headers.inner().get("x-death") {
            Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice(),
            _ => &[],
        };
        let routing_key = match deaths.last() {
            Some(AMQPValue::FieldTable(death)) => match death.inner().get("routing-keys") {
                Some(AMQPValue::FieldArray(keys)) => keys.as_slice().first().and_then(plain),
                _ => None,
            },
            _ => None,
        };
        Self { reason, routing_key }
    }

    fn provenance(&self, envelope: &Envelope, subscription: &Subscription) -> Provenance {
        let reason = self.reason.as_deref().unwrap_or("unknown");
        Provenance {
            topic: envelope.topic.to_string(),
            group: subscription.group.clone(),
            service: String::new(),
            handler: String::new(),
            reason: match reason {
                "expired" => "expired".to_owned(),
                "delivery_limit" => "crashed".to_owned(),
                _ => "failed".to_owned(),
            },
            class: Class::Unknown,
            errors: vec![format!("moved by RabbitMQ itself: {reason}")],
            attempts: envelope.metadata.attempt,
            first_seen: envelope.metadata.time.unwrap_or(Timestamp::UNIX_EPOCH),
            given_up: Timestamp::now(),
        }
    }
}

fn plain(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

impl RabbitMq {
    /// Ends with the connection that it began on: an operator is told of a cut at once.
    fn bounded<'a, T: 'a>(
        &'a self,
        command: impl Future<Output = Result<T, BrokerError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, BrokerError>> {
        Box::pin(while_up(self.shared.publishing.watch(), async move |_| command.await))
    }

    /// Does `work` with the one reader of the subscription's dead letters; whatever happens, the channel is
    /// closed after, and the server puts back what was not taken off.
    async fn with_reader<T>(
        &self,
        subscription: &Subscription,
        filter: &DeadLetterFilter,
        work: impl AsyncFnOnce(&mut Reader<'_>) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        let topology = Topology::new(&self.shared.config, subscription)?;
        let Some(queue) = topology.dead_letters.as_ref().map(|queue| queue.name.clone()) else {
            let message = format!("the subscription `{}` is ephemeral: it keeps no dead letters", topology.name);
            return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
        };
        let turn = Turn::take(&self.shared, &queue).await?;
        let connection = self.shared.publishing.up().await?;
        let channel = super::shared::create_channel(&connection, &format!("read the dead letters in `{queue}`")).await?;
        let mut reader = Reader { channel: channel.clone(), queue, topology: &topology, subscription, filter, selected: 0, held: 0 };
        let result = work(&mut reader).await;
        let finished = reader.finish().await;
        let _ = channel.close(200, "done".into()).await;
        turn.end(reader.held).await;
        result.and_then(|value| finished.map(|()| value))
    }
}

impl Admin for RabbitMq {
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        self.bounded(self.with_reader(subscription, filter, async |reader| {
            let mut letters = Vec::new();
            while let Some(taken) = reader.next().await? {
                letters.push(taken.letter);
            }
            Ok(letters)
        }))
    }

    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        self.bounded(self.with_reader(subscription, filter, async |reader| {
            while let Some(Taken { tag, letter, foreign }) = reader.next().await? {
                let mut envelope = (*letter.envelope).clone();
                envelope.metadata.attempt = 0;
                envelope.metadata.extensions.insert(REPLAYED.to_owned(), "true".to_owned());
                let properties = write_copy(&envelope, foreign.as_deref(), &[]);
                self.shared.send_copy(reader.home(&envelope), properties, envelope.payload).await?;
                reader.take_off(tag).await?;
            }
            Ok(reader.selected)
        }))
    }

    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        self.bounded(self.with_reader(subscription, filter, async |reader| {
            while let Some(taken) = reader.next().await? {
                reader.take_off(taken.tag).await?;
            }
            Ok(reader.selected)
        }))
    }

    fn plan<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        self.bounded(plan::plan(&self.shared, subscriptions))
    }

    fn apply<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        self.bounded(plan::apply(&self.shared, subscriptions))
    }

    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        self.bounded(lag::lag(&self.shared, subscription))
    }

    fn seek<'a>(&'a self, subscription: &'a Subscription, position: &'a Position) -> BoxFuture<'a, Result<(), BrokerError>> {
        let message = format!(
            "could not move the subscription `{}` to {position}: a queue of RabbitMQ keeps nothing that was settled, so there is nothing to go back to. Replay dead letters (`dlq replay`), or have the topic on a replayable broker",
            subscription.name()
        );
        Box::pin(std::future::ready(Err(BrokerError::new(BrokerErrorKind::Unsupported, message))))
    }
}
