//! The queues of a subscription: what each is declared with.

use std::time::Duration;

use lapin::types::{AMQPValue, FieldTable};

use super::RabbitMqConfig;
use super::config::QueueKind;
use crate::text::format_duration;

/// As good as none: how often is the pipeline's to decide. RabbitMQ 4 has a limit of 20 where none is declared,
/// and being looked at counts as a delivery.
const DELIVERY_LIMIT: i32 = 1_000_000;

/// One queue as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) arguments: FieldTable,
    pub(super) ephemeral: bool,
}

/// The queue that holds messages of `queue` back for one rung of the ladder.
pub(super) fn rung(config: &RabbitMqConfig, queue: &str, delay: Duration) -> Queue {
    let ttl = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    let mut arguments = kind_arguments(config);
    let back = dead_letter_arguments(config, queue);
    for (name, value) in [("x-message-ttl", AMQPValue::LongLongInt(ttl))].into_iter().chain(back) {
        arguments.insert(name.into(), value);
    }
    Queue { name: format!("{queue}.retry-{}", format_duration(delay)), arguments, ephemeral: false }
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
pub(super) fn work_queue(config: &RabbitMqConfig, queue: String, name: &str, single: bool) -> Queue {
    let mut arguments = kind_arguments(config);
    for (key, value) in dead_letter_arguments(config, &dead_letter_name(name)) {
        arguments.insert(key.into(), value);
    }
    if single {
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    }
    Queue { name: queue, arguments, ephemeral: false }
}

/// The queue of an unordered subscription. (A shard has no priorities: they would change the order of a key's messages.)
pub(super) fn shared_queue(config: &RabbitMqConfig, name: &str) -> Queue {
    let mut queue = work_queue(config, name.to_owned(), name, config.single_active);
    if let Some(highest) = config.max_priority {
        queue.arguments.insert("x-max-priority".into(), AMQPValue::LongInt(highest.into()));
    }
    queue
}

fn dead_letter_name(name: &str) -> String {
    format!("{name}.dlq")
}

pub(super) fn dead_letter_queue(config: &RabbitMqConfig, name: &str) -> Queue {
    Queue { name: dead_letter_name(name), arguments: kind_arguments(config), ephemeral: false }
}

pub(super) fn ephemeral_queue(name: &str) -> Queue {
    Queue { name: name.to_owned(), arguments: FieldTable::default(), ephemeral: true }
}

pub(super) fn long(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

pub(super) fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}
