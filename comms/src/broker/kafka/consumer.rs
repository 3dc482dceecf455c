//! The deliveries of a subscription.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::time::timeout;

use super::client;
use super::config::{KafkaConfig, config_error};
use super::declare;
use super::desk::Desk;
use super::error::broker_error;
use super::gate::Gate;
use super::member::Member;
use super::names::{self, Names};
use super::patience::patiently;
use super::shared::Shared;
use super::topics::blocking;
use super::worker;
use crate::broker::{BrokerError, BrokerErrorKind, Consumer, Delivery, Subscription};

/// How long subscribing waits for the first partitions: others may have them all, or still work on what is in their hands.
const FIRST_PARTITIONS: Duration = Duration::from_secs(5);

/// A member of a group.
pub(super) struct KafkaConsumer {
    desk: Arc<Desk>,
    member: Arc<Member>,
}

impl KafkaConsumer {
    /// Declares what the subscription needs, joins the group, and waits for its partitions.
    pub(super) async fn open(shared: &Arc<Shared>, subscription: Arc<Subscription>) -> Result<Self, BrokerError> {
        if subscription.transactional && subscription.ephemeral {
            let message = format!(
                "could not subscribe `{}` with transactions: it is ephemeral, and keeps no place that could be committed",
                subscription.name()
            );
            return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
        }
        let names = Names::new(&subscription, &shared.config)?;
        let attempted = format!("subscribe `{}`", names.group);
        let within = shared.config.publish_timeout;
        let listened = patiently(within, &attempted, || declare::topics(shared, &subscription, &names)).await?;
        warn_of_few_partitions(&subscription, &listened);
        let (consumer, gate) = make_consumer(shared, &subscription, &names)?;
        let consumer = Arc::new(consumer);
        if !subscription.ephemeral {
            patiently(within, &attempted, || {
                let (consumer, subscription, names, listened) =
                    (Arc::clone(&consumer), Arc::clone(&subscription), names.clone(), listened.clone());
                blocking(move || declare::group(&consumer, &subscription, &names, &listened))
            })
            .await?;
        }
        let consumer = Arc::into_inner(consumer).ok_or_else(|| BrokerError::closed(&attempted))?;
        if !subscription.ephemeral {
            listen(&shared.config, &consumer, &subscription, &names)?;
        }
        let desk = Arc::new(Desk::new(Arc::clone(shared), subscription, names));
        let started = worker::start(consumer, gate, Arc::clone(&desk));
        let member = started.map_err(|error| {
            BrokerError::new(BrokerErrorKind::Connection, format!("could not {attempted}: no thread for it")).with_source(error)
        })?;
        shared.add_member(&member);
        let consumer = Self { desk, member };
        if shared.is_closed() {
            return Err(BrokerError::closed(&attempted));
        }
        let _ = timeout(FIRST_PARTITIONS, consumer.member.assigned()).await;
        Ok(consumer)
    }
}

fn make_consumer(shared: &Shared, subscription: &Subscription, names: &Names) -> Result<(BaseConsumer<Gate>, Gate), BrokerError> {
    let gate = Gate::new(Arc::clone(&shared.health), &names.group);
    let group = match subscription.ephemeral {
        true => format!("{}.{}", names.group, uuid::Uuid::new_v4()),
        false => names.group.clone(),
    };
    let client = client::consumer(&shared.config, &shared.service, &group);
    let consumer = BaseConsumer::from_config_and_context(&client, gate.clone());
    let consumer = consumer.map_err(|error| config_error(format!("could not make a Kafka consumer: {error}")))?;
    Ok((consumer, gate))
}

/// A consumer for a group that is declared, which joins it. Blocks.
pub(super) fn join(shared: &Shared, subscription: &Subscription, names: &Names) -> Result<(BaseConsumer<Gate>, Gate), BrokerError> {
    let (consumer, gate) = make_consumer(shared, subscription, names)?;
    listen(&shared.config, &consumer, subscription, names)?;
    Ok((consumer, gate))
}

fn listen(config: &KafkaConfig, consumer: &BaseConsumer<Gate>, subscription: &Subscription, names: &Names) -> Result<(), BrokerError> {
    let listened = match subscription.topic.is_literal() {
        true => config.topic(subscription.topic.as_str()),
        false => names::regex(&config.prefix, &subscription.topic),
    };
    let mut topics = vec![listened.as_str()];
    // One that is always there, for whoever is to have the retries.
    if !subscription.topic.is_literal() {
        topics.extend(names.again.as_deref());
    }
    consumer.subscribe(&topics).map_err(|error| broker_error(&format!("join the group `{}`", names.group), &error))
}

fn warn_of_few_partitions(subscription: &Subscription, topics: &[(Arc<str>, usize)]) {
    let Some(order) = subscription.order else { return };
    for (topic, partitions) in topics.iter().filter(|(_, partitions)| *partitions < usize::from(order.shards.get())) {
        tracing::warn!(
            subscription = subscription.name(),
            topic = &**topic,
            partitions,
            shards = order.shards,
            "the topic has fewer partitions than the subscription has shards: no more members than partitions get work"
        );
    }
}

impl Consumer for KafkaConsumer {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.desk.shared.is_closed() {
            return Poll::Ready(None);
        }
        self.desk.poll_next(context)
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.member.leave();
    }
}
