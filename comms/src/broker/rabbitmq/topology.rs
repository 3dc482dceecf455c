//! What a subscription needs on the server, and its names.
//!
//! docs/adr/0002-rabbitmq-topology.md says why it is as it is.

use std::num::NonZeroU16;

use lapin::options::{ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use super::RabbitMqConfig;
use super::error::{code_of, forbidden};
use super::queues::{Queue, dead_letter_queue, ephemeral_queue, long, shared_queue, table, work_queue};
use super::route::{Route, RouteKind};
use crate::broker::{BrokerError, BrokerErrorKind, Subscription};

/// Into how many buckets publishers hash keys. Shards of ordered subscriptions are sets of buckets, so
/// that a publisher need not know how many shards a group has. Part of the wire contract.
pub(super) const BUCKETS: NonZeroU16 = match NonZeroU16::new(64) {
    Some(buckets) => buckets,
    None => NonZeroU16::MIN,
};

/// The second routing key of a message with a key. Its alphabet is outside of that of topics.
pub(super) fn bucket_key(bucket: u16) -> String {
    format!("@{bucket}")
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
    /// Where the topic is instead.
    pub(super) route: Option<Route>,
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
        let route = route_of(config, subscription)?;
        let dead_letters = (!subscription.ephemeral).then(|| dead_letter_queue(config, &name));
        let queues = match subscription.order {
            _ if subscription.ephemeral => vec![ephemeral_queue(&name)],
            None => vec![shared_queue(config, &name)],
            Some(order) => (0..order.shards.get()).map(|shard| work_queue(config, format!("{name}.shard-{shard}"), &name, true)).collect(),
        };
        Ok(Self { exchange: config.exchange.clone(), route, pattern: subscription.topic.to_string(), name, queues, dead_letters })
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

    /// The exchange that messages come from, and what is bound to it how.
    fn source(&self) -> (&str, String, FieldTable) {
        match &self.route {
            None => (&self.exchange, self.pattern.clone(), FieldTable::default()),
            Some(route) => {
                let (key, arguments) = route.kind.binding();
                (&route.exchange, key, arguments)
            }
        }
    }

    /// All exchanges of ours, in the order in which they are declared.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        let main = Exchange { name: self.exchange.clone(), kind: ExchangeKind::Topic, arguments: FieldTable::default() };
        let main = self.route.is_none().then_some(main);
        main.into_iter().chain(self.shards().into_iter().flat_map(|shards| [shards.unkeyed, shards.buckets])).collect()
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
            None => {
                let (exchange, key, arguments) = self.source();
                bind_queue(channel, &self.queues[0].name, exchange, &key, arguments).await
            }
        }
    }

    async fn bind_shards(&self, channel: &Channel, shards: &str, unkeyed: &str) -> Result<(), BrokerError> {
        bind_queue(channel, &self.queues[0].name, unkeyed, "", FieldTable::default()).await?;
        let bindings = (0..BUCKETS.get()).map(|bucket| {
            let queue = self.queue_of_bucket(bucket);
            let key = bucket_key(bucket);
            async move { bind_queue(channel, &queue.name, shards, &key, FieldTable::default()).await }
        });
        futures_util::future::try_join_all(bindings).await?;
        // Last, so that no message comes before its shard's queue is bound.
        let (exchange, key, arguments) = self.source();
        channel.exchange_bind(short(shards)?, short(exchange)?, short(&key)?, ExchangeBindOptions::default(), arguments).await.map_err(
            |error| {
                let needs = format!("`write` on the exchange `{shards}` and `read` on the exchange `{exchange}`");
                forbidden(&format!("bind the exchange `{shards}` to the exchange `{exchange}`"), &error, &needs)
            },
        )
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

/// Where the topic is, if the configuration has it elsewhere.
fn route_of(config: &RabbitMqConfig, subscription: &Subscription) -> Result<Option<Route>, BrokerError> {
    let (topic, name) = (&subscription.topic, subscription.name());
    if let Some(route) = config.routes.iter().find(|route| !topic.is_literal() && topic.matches(&route.topic)) {
        let message = format!(
            "the subscription `{name}` would miss the topic `{}`, which the option `route` of the RabbitMQ URL has on the exchange `{}`: subscribe to it by its name, or take it out of the pattern",
            route.topic, route.exchange
        );
        return Err(BrokerError::new(BrokerErrorKind::Config, message));
    }
    let route = config.route(topic.as_str());
    if let (Some(_), Some(RouteKind::ConsistentHash { .. })) = (subscription.order, route.map(|route| &route.kind)) {
        let message = format!(
            "the subscription `{name}` is ordered, and the option `route` has its topic on an exchange of the kind `consistent-hash`, which spreads messages over groups: take `ordered` away, or use another kind"
        );
        return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
    }
    Ok(route.cloned())
}

pub(super) async fn declare_exchange(channel: &Channel, name: &str, kind: ExchangeKind, arguments: FieldTable) -> Result<(), BrokerError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = channel.exchange_declare(short(name)?, kind.clone(), options, arguments).await;
    declared.map_err(|error| {
        let needs = format!("`configure` on the exchange `{name}`");
        differs(forbidden(&format!("declare the durable {kind:?} exchange `{name}`"), &error, &needs), &error, name)
    })
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
        Err(error) => {
            let name = &queue.name;
            let needs = format!(
                "`configure` and `read` on the queue `{name}`, and, so that nothing vanishes that the server gives up, `write` on the exchange `amq.default`"
            );
            Err(differs(forbidden(&format!("declare the queue `{name}`"), &error, &needs), &error, name))
        }
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

async fn bind_queue(channel: &Channel, queue: &str, exchange: &str, key: &str, arguments: FieldTable) -> Result<(), BrokerError> {
    let bound = channel.queue_bind(short(queue)?, short(exchange)?, short(key)?, QueueBindOptions::default(), arguments).await;
    bound.map_err(|error| {
        let needs = format!("`write` on the queue `{queue}` and `read` on the exchange `{exchange}`");
        forbidden(&format!("bind the queue `{queue}` to the exchange `{exchange}` with `{key}`"), &error, &needs)
    })
}

/// # Errors
/// `Topology` when AMQP can't carry a name of that length.
pub(super) fn short(name: &str) -> Result<ShortString, BrokerError> {
    ShortString::try_new(name)
        .map_err(|_| BrokerError::new(BrokerErrorKind::Topology, format!("`{name}` is too long for a name in AMQP: at most 255 bytes")))
}
