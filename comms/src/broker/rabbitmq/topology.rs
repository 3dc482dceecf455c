//! What a subscription needs on the server, and its names.
//!
//! docs/adr/0002-rabbitmq-topology.md says why it is as it is.

use std::num::NonZeroU16;
use std::time::Duration;

use lapin::options::{ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use super::RabbitMqConfig;
use super::config::QueueKind;
use super::error::{broker_error, code_of};
use crate::broker::text::duration_name;
use crate::broker::{BrokerError, BrokerErrorKind, Subscription};

/// Into how many buckets publishers hash keys. Shards of ordered subscriptions are sets of buckets, so
/// that a publisher need not know how many shards a group has. Part of the wire contract.
pub(super) const BUCKETS: NonZeroU16 = match NonZeroU16::new(64) {
    Some(buckets) => buckets,
    None => NonZeroU16::MIN,
};

/// As good as none: how often is the pipeline's to decide. RabbitMQ 4 has a limit of 20 where none is declared,
/// and being looked at counts as a delivery.
const DELIVERY_LIMIT: i32 = 1_000_000;

/// The second routing key of a message with a key. Its alphabet is outside of that of topics.
pub(super) fn bucket_key(bucket: u16) -> String {
    format!("@{bucket}")
}

/// One queue as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) arguments: FieldTable,
    pub(super) ephemeral: bool,
}

/// One exchange as it is declared; all are durable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) kind: ExchangeKind,
    pub(super) arguments: FieldTable,
}

/// The exchange that spreads the buckets of an ordered subscription over its shards.
struct Shards {
    unkeyed: Exchange,
    buckets: Exchange,
}

/// The names and arguments of everything that a subscription needs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Topology {
    pub(super) exchange: String,
    /// `group.pattern`.
    pub(super) name: String,
    pattern: String,
    /// One, or one per shard.
    pub(super) queues: Vec<Queue>,
    /// None where nothing is kept.
    pub(super) dead_letters: Option<Queue>,
}

impl Topology {
    /// # Errors
    /// `Topology` when a name would be too long or there are more shards than buckets.
    pub(super) fn new(config: &RabbitMqConfig, subscription: &Subscription) -> Result<Self, BrokerError> {
        let name = subscription.name();
        check(subscription, &name)?;
        let dead_letters = (!subscription.ephemeral).then(|| dead_letter_queue(config, &name));
        let queues = match subscription.order {
            _ if subscription.ephemeral => vec![ephemeral_queue(&name)],
            None => vec![work_queue(config, name.clone(), &name, false)],
            Some(order) => (0..order.shards.get()).map(|shard| work_queue(config, format!("{name}.shard-{shard}"), &name, true)).collect(),
        };
        Ok(Self { exchange: config.exchange.clone(), pattern: subscription.topic.to_string(), name, queues, dead_letters })
    }

    /// The exchanges of an ordered subscription. Messages without a bucket go to the first shard, by an
    /// alternate exchange that has the number of shards in its name: so the server itself notices when
    /// the number is changed.
    fn shards(&self) -> Option<Shards> {
        let sharded = self.queues.first().is_some_and(|queue| queue.name != self.name);
        sharded.then(|| {
            let unkeyed = format!("{}.unkeyed-of-{}", self.name, self.queues.len());
            let arguments = table([("alternate-exchange", long(&unkeyed))]);
            Shards {
                unkeyed: Exchange { name: unkeyed, kind: ExchangeKind::Fanout, arguments: FieldTable::default() },
                buckets: Exchange { name: format!("{}.shards", self.name), kind: ExchangeKind::Direct, arguments },
            }
        })
    }

    /// All exchanges, in the order in which they are declared.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        let main = Exchange { name: self.exchange.clone(), kind: ExchangeKind::Topic, arguments: FieldTable::default() };
        std::iter::once(main).chain(self.shards().into_iter().flat_map(|shards| [shards.unkeyed, shards.buckets])).collect()
    }

    /// Where the messages of a bucket go to.
    pub(super) fn queue_of_bucket(&self, bucket: u16) -> &Queue {
        &self.queues[usize::from(bucket) % self.queues.len()]
    }

    /// Declares all of it. What exists as declared stays as it is.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        for exchange in self.exchanges() {
            let declared = declare_exchange(channel, &exchange.name, exchange.kind, exchange.arguments).await;
            declared.map_err(|error| self.explain(error, &exchange.name))?;
        }
        // The dead letters come first: the queue names them as where the server itself may put messages.
        for queue in self.dead_letters.iter().chain(&self.queues) {
            declare_queue(channel, queue).await?;
        }
        match self.shards() {
            Some(shards) => self.bind_shards(channel, &shards.buckets.name, &shards.unkeyed.name).await,
            None => bind_queue(channel, &self.queues[0].name, &self.exchange, &self.pattern).await,
        }
    }

    async fn bind_shards(&self, channel: &Channel, shards: &str, unkeyed: &str) -> Result<(), BrokerError> {
        bind_queue(channel, &self.queues[0].name, unkeyed, "").await?;
        let bindings = (0..BUCKETS.get()).map(|bucket| {
            let queue = self.queue_of_bucket(bucket);
            let key = bucket_key(bucket);
            async move { bind_queue(channel, &queue.name, shards, &key).await }
        });
        futures_util::future::try_join_all(bindings).await?;
        // Last, so that no message comes before its shard's queue is bound.
        channel
            .exchange_bind(
                short(shards)?,
                short(&self.exchange)?,
                short(&self.pattern)?,
                ExchangeBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(|error| broker_error(&format!("bind the exchange `{shards}` to `{}`", self.exchange), &error))
    }

    fn explain(&self, error: BrokerError, exchange: &str) -> BrokerError {
        if error.kind() != BrokerErrorKind::Topology || exchange == self.exchange {
            return error;
        }
        let count = self.queues.len();
        BrokerError::new(
            BrokerErrorKind::Topology,
            format!(
                "the subscription `{}` is declared with {count} shards, but it exists with another number: {error}. The number of shards is fixed once a group exists; declare the old number, or use a new group",
                self.name
            ),
        )
    }

    /// The queue that holds messages of `queue` back for one rung of the ladder.
    pub(super) fn rung(config: &RabbitMqConfig, queue: &str, delay: Duration) -> Queue {
        let ttl = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        let mut arguments = kind_arguments(config);
        let back = dead_letter_arguments(config, queue);
        for (name, value) in [("x-message-ttl", AMQPValue::LongLongInt(ttl))].into_iter().chain(back) {
            arguments.insert(name.into(), value);
        }
        Queue { name: format!("{queue}.retry-{}", duration_name(delay)), arguments, ephemeral: false }
    }
}

fn check(subscription: &Subscription, name: &str) -> Result<(), BrokerError> {
    // The longest suffix: `.shard-63.retry-3600000ms`.
    let longest = 255 - 32;
    if name.len() > longest {
        let message = format!("the subscription `{name}` can't have a queue: group and topic may have {longest} bytes together");
        return Err(BrokerError::new(BrokerErrorKind::Topology, message));
    }
    if let Some(order) = subscription.order
        && order.shards > BUCKETS
    {
        let message = format!("the subscription `{name}` asks for {} shards; RabbitMQ subscriptions have at most {BUCKETS}", order.shards);
        return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
    }
    Ok(())
}

fn kind_arguments(config: &RabbitMqConfig) -> FieldTable {
    match config.queue {
        QueueKind::Quorum => table([("x-queue-type", long("quorum")), ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT))]),
        QueueKind::Classic => FieldTable::default(),
    }
}

/// Where the server itself moves messages to, without losing any if the queue kind allows it.
fn dead_letter_arguments(config: &RabbitMqConfig, target: &str) -> Vec<(&'static str, AMQPValue)> {
    let mut arguments = vec![("x-dead-letter-exchange", long("")), ("x-dead-letter-routing-key", long(target))];
    if config.queue == QueueKind::Quorum {
        arguments.push(("x-dead-letter-strategy", long("at-least-once")));
        arguments.push(("x-overflow", long("reject-publish")));
    }
    arguments
}

/// What the server gives up by itself (an expired foreign message, a delivery limit set by policy or by
/// the default of RabbitMQ 4) must not vanish either, hence the dead-letter arguments.
fn work_queue(config: &RabbitMqConfig, queue: String, name: &str, single: bool) -> Queue {
    let mut arguments = kind_arguments(config);
    for (key, value) in dead_letter_arguments(config, &dead_letter_name(name)) {
        arguments.insert(key.into(), value);
    }
    if single {
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    }
    Queue { name: queue, arguments, ephemeral: false }
}

fn dead_letter_name(name: &str) -> String {
    format!("{name}.dlq")
}

fn dead_letter_queue(config: &RabbitMqConfig, name: &str) -> Queue {
    Queue { name: dead_letter_name(name), arguments: kind_arguments(config), ephemeral: false }
}

fn ephemeral_queue(name: &str) -> Queue {
    Queue { name: name.to_owned(), arguments: FieldTable::default(), ephemeral: true }
}

pub(super) async fn declare_exchange(channel: &Channel, name: &str, kind: ExchangeKind, arguments: FieldTable) -> Result<(), BrokerError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = channel.exchange_declare(short(name)?, kind.clone(), options, arguments).await;
    declared.map_err(|error| differs(broker_error(&format!("declare the durable {kind:?} exchange `{name}`"), &error), &error, name))
}

pub(super) async fn declare_queue(channel: &Channel, queue: &Queue) -> Result<(), BrokerError> {
    let options = QueueDeclareOptions {
        durable: !queue.ephemeral,
        exclusive: queue.ephemeral,
        auto_delete: queue.ephemeral,
        ..QueueDeclareOptions::default()
    };
    let declared = channel.queue_declare(short(&queue.name)?, options, queue.arguments.clone()).await;
    match declared {
        Ok(_) => Ok(()),
        Err(error) => Err(differs(broker_error(&format!("declare the queue `{}`", queue.name), &error), &error, &queue.name)),
    }
}

/// The server's text names the argument, what it is and what was asked for.
fn differs(error: BrokerError, cause: &lapin::Error, name: &str) -> BrokerError {
    if code_of(cause) != Some(406) {
        return error;
    }
    let message = format!(
        "{error}. `{name}` exists with other arguments, and they can't be changed in place: drain and delete it (rabbitmqctl delete_queue), or configure what exists"
    );
    BrokerError::new(BrokerErrorKind::Topology, message).with_source(cause.clone())
}

async fn bind_queue(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), BrokerError> {
    let bound = channel.queue_bind(short(queue)?, short(exchange)?, short(key)?, QueueBindOptions::default(), FieldTable::default()).await;
    bound.map_err(|error| broker_error(&format!("bind the queue `{queue}` to the exchange `{exchange}` with `{key}`"), &error))
}

/// # Errors
/// `Topology` when AMQP can't carry a name of that length.
pub(super) fn short(name: &str) -> Result<ShortString, BrokerError> {
    ShortString::try_new(name)
        .map_err(|_| BrokerError::new(BrokerErrorKind::Topology, format!("`{name}` is too long for a name in AMQP: at most 255 bytes")))
}

fn long(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}
