//! Subscriptions and their handlers.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::messages::kind;
use super::{MessageName, duration, optional_duration, optional_text};
use crate::broker::{InvalidTopic, Order, StartPosition, Subscription};
use crate::config::KnownHandler;
use crate::handler::{AfterDeadLetter, BatchDecl, HandlerDecl, SubscriptionDecl};
use crate::limit::Rate;
use crate::message::MessageType;

/// A subscription with the overrides of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct SubscriptionModel {
    pub(crate) topic: String,
    pub(crate) broker: String,
    pub(crate) group: String,
    pub(crate) concurrency: usize,
    /// The number of shards, if messages of one key keep their order.
    pub(crate) ordered: Option<u16>,
    pub(crate) after_dead_letter: &'static str,
    #[serde(serialize_with = "optional_duration")]
    pub(crate) dedup: Option<Duration>,
    /// How many messages this process takes in a time.
    #[serde(serialize_with = "optional_text")]
    pub(crate) throttle: Option<Rate>,
    pub(crate) from: &'static str,
    pub(crate) handlers: Vec<HandlerModel>,
}

/// A handler with the overrides of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HandlerModel {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) message: MessageName,
    pub(crate) topic: String,
    /// How many retries follow the first attempt.
    pub(crate) retries: u32,
    /// How many of them at once.
    pub(crate) immediate: u32,
    #[serde(serialize_with = "duration")]
    pub(crate) backoff: Duration,
    #[serde(serialize_with = "duration")]
    pub(crate) backoff_max: Duration,
    #[serde(serialize_with = "duration")]
    pub(crate) timeout: Duration,
    /// With how many messages it is called at most, and how long it waits for them, if it takes batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<BatchModel>,
    /// What it publishes becomes visible together with the settlement of its message.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) transactional: bool,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) doc: String,
}

/// When a batch is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct BatchModel {
    pub(crate) max: u32,
    #[serde(serialize_with = "duration")]
    pub(crate) wait: Duration,
}

impl SubscriptionModel {
    /// A subscription of the service, without handlers yet.
    pub(crate) fn of(decl: &SubscriptionDecl, service: &str) -> Self {
        Self {
            topic: decl.topic.to_owned(),
            broker: decl.broker.to_owned(),
            group: decl.group.unwrap_or(service).to_owned(),
            concurrency: decl.concurrency,
            ordered: decl.ordered,
            after_dead_letter: match decl.after {
                AfterDeadLetter::ParkKey => "park-key",
                AfterDeadLetter::Continue => "continue",
            },
            dedup: decl.dedup,
            throttle: decl.throttle,
            from: if decl.from == StartPosition::Earliest { "earliest" } else { "new" },
            handlers: Vec::new(),
        }
    }

    /// What a broker is asked for.
    ///
    /// # Errors
    /// When the topic is none; a start reports that too.
    pub(crate) fn subscription(&self) -> Result<Arc<Subscription>, InvalidTopic> {
        let mut subscription = Subscription::new(self.topic.parse()?, self.group.as_str());
        subscription.concurrency = self.concurrency;
        subscription.order = self.ordered.and_then(NonZeroU16::new).map(|shards| Order { shards });
        subscription.from = if self.from == "earliest" { StartPosition::Earliest } else { StartPosition::New };
        Ok(Arc::new(subscription))
    }
}

impl HandlerModel {
    /// The handler of the message type.
    pub(crate) fn of(decl: &HandlerDecl, message: &MessageType) -> Self {
        Self {
            name: decl.name.to_owned(),
            kind: kind(message.kind),
            message: MessageName::of(message),
            topic: message.topic.to_owned(),
            retries: decl.retry.max,
            immediate: decl.retry.immediate.min(decl.retry.max),
            backoff: decl.retry.backoff,
            backoff_max: decl.retry.backoff_max,
            timeout: decl.timeout,
            batch: decl.batch.map(|BatchDecl { max, wait, .. }| BatchModel { max, wait }),
            transactional: decl.transactional,
            location: decl.location.to_string(),
            doc: decl.doc.trim().to_owned(),
        }
    }

    pub(super) fn known(&self) -> KnownHandler {
        KnownHandler { timeout: self.timeout, retried: self.kind == "event", max: self.retries, immediate: self.immediate }
    }
}
