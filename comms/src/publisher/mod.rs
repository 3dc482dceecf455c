//! The door through which messages leave.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use tracing::Instrument as _;

use crate::broker::{Broker, BrokerError, Confirm, Reach, Receipt};
use crate::context::{Context, MOST_BYTES, MOST_MESSAGES, NotKept, Outbox, time_left};
use crate::inject::{InjectError, Injectable, Scope};
use crate::limit::{Rate, Throttle, Throttles};
use crate::message::{CodecError, Envelope, Event, Message, MessageType, Metadata};
use crate::metrics::{Metrics, PublishCounters};

/// The brokers of an application, by name; `default` is the one that message types use unless they say otherwise.
#[derive(Clone, Debug, Default)]
pub struct Brokers(Arc<BTreeMap<String, Arc<dyn Broker>>>);

impl Brokers {
    /// The brokers by their names.
    #[must_use]
    pub fn new(brokers: BTreeMap<String, Arc<dyn Broker>>) -> Self {
        Self(Arc::new(brokers))
    }

    /// The broker of the name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Broker>> {
        self.0.get(name)
    }

    /// All of them with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<dyn Broker>)> {
        self.0.iter().map(|(name, broker)| (name.as_str(), broker))
    }
}

/// Who publishes: the `source` of every message of this application.
#[derive(Clone, Debug)]
pub struct Source(pub Arc<str>);

/// Why a message could not be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The value could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Its throttle would not have let it through before its deadline; it was not published.
    #[error("could not publish `{message}` to `{topic}` before its deadline: its publishers are throttled{}", rate.map(|rate| format!(" to {rate}")).unwrap_or_default())]
    Throttled {
        /// The wire name of the type.
        message: &'static str,
        /// The topic.
        topic: &'static str,
        /// The rate of the throttle.
        rate: Option<Rate>,
    },
    /// It can't be part of the transaction in which it was published; it was not published.
    #[error("could not publish `{message}` to `{topic}` in the transaction of the handler `{handler}`: {reason}")]
    Transaction {
        /// The wire name of the type.
        message: &'static str,
        /// The topic.
        topic: &'static str,
        /// The name of the transactional handler.
        handler: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// The broker did not take it, or nobody knows.
    #[error("could not publish `{message}` to `{topic}`")]
    Broker {
        /// The wire name of the type.
        message: &'static str,
        /// The topic.
        topic: &'static str,
        /// What the broker said.
        source: BrokerError,
    },
}

impl crate::Classify for PublishError {
    fn class(&self) -> crate::Class {
        match self {
            Self::Codec(_) | Self::Transaction { .. } => crate::Class::Permanent,
            Self::Throttled { .. } => crate::Class::Retryable,
            Self::Broker { source, .. } => crate::Classify::class(source),
        }
    }
}

/// Publishes events of the type `E`. A field of this type in a service says, to the compiler and to the
/// topology, that the service publishes `E`.
pub struct Publisher<E> {
    broker: Arc<dyn Broker>,
    topic: Arc<str>,
    source: Arc<str>,
    throttle: Throttle,
    counters: Arc<PublishCounters>,
    event: PhantomData<fn(E)>,
}

impl<E> Clone for Publisher<E> {
    fn clone(&self) -> Self {
        let Self { broker, topic, source, throttle, counters, event } = self;
        Self {
            broker: Arc::clone(broker),
            topic: Arc::clone(topic),
            source: Arc::clone(source),
            throttle: throttle.clone(),
            counters: Arc::clone(counters),
            event: *event,
        }
    }
}

impl<E> std::fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher({} on {})", self.topic, self.broker.scheme())
    }
}

impl<E: Event> Publisher<E> {
    /// A publisher on the broker, in the name of `source`.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>, source: Arc<str>) -> Self {
        Self { broker, topic: E::TYPE.topic.into(), source, throttle: Throttle::default(), counters: Arc::default(), event: PhantomData }
    }

    /// How fast it publishes: as fast as the broker takes it, until a rate is set. Injected publishers of one event share
    /// theirs, in the whole process.
    ///
    /// What comes faster waits, in its order, up to the deadline of the current [`Context`] if there is one.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Publishes one event and waits until the broker has taken responsibility for it.
    ///
    /// In a handler that is [`transactional`](crate::handler::HandlerDecl::transactional) the event becomes part of the handler's transaction, and the
    /// receipt says no more than that: it is sent once the handler has ended well, together with the settlement of its message.
    ///
    /// # Errors
    /// [`PublishError`]; when its class is unknown, the event may or may not have been published.
    pub async fn publish(&self, event: &E) -> Result<Receipt, PublishError> {
        self.send(event).await?.await.map_err(failed::<E>)
    }

    /// Hands one event over and returns once it is on its way: pipelined publishing. Await the
    /// [`Confirm`] to know that the broker has it.
    ///
    /// # Errors
    /// [`PublishError::Codec`] when the event can't be encoded, [`PublishError::Throttled`] when the [throttle](Self::throttle)
    /// does not let it through before its deadline.
    pub async fn send(&self, event: &E) -> Result<Confirm, PublishError> {
        if self.throttle.is_limited() {
            // Boxed: most publishers have no throttle, and would carry its waiting about with every message.
            Box::pin(self.wait_for_turn()).await?;
        }
        let payload = event.encode()?;
        let envelope = Arc::new(envelope_around(payload, event, &self.topic, &self.source));
        if let Some(outbox) = Context::current_outbox() {
            return Box::pin(self.enlist(&outbox, envelope)).await;
        }
        let span = span(self.broker.as_ref(), &envelope);
        let publishing = self.broker.publish(envelope);
        let confirm = if span.is_disabled() { publishing.await } else { publishing.instrument(span).await };
        self.counters.published();
        Ok(confirm.counted(&self.counters))
    }

    /// Makes the message part of the transaction.
    async fn enlist(&self, outbox: &Outbox, envelope: Arc<Envelope>) -> Result<Confirm, PublishError> {
        let refused = |reason: String| {
            let (message, topic) = (E::TYPE.name, E::TYPE.topic);
            PublishError::Transaction { message, topic, handler: outbox.handler(), reason }
        };
        if !outbox.is_of(self.broker.identity()) {
            let reason = format!(
                "the event is declared on the broker `{}`, which is another one than that of the handler: publish it from a handler that is not `transactional`",
                E::TYPE.broker
            );
            return Err(refused(reason));
        }
        self.broker.prepare(&envelope).await.map_err(failed::<E>)?;
        outbox.add(envelope).map_err(|why| refused(why_not(why)))?;
        self.counters.published();
        Ok(Confirm::ready(Ok(Receipt::new(Reach::Unknown))).counted(&self.counters))
    }

    async fn wait_for_turn(&self) -> Result<(), PublishError> {
        let Some(deadline) = Context::current().deadline() else {
            self.throttle.take().await;
            return Ok(());
        };
        let in_time = tokio::time::timeout(time_left(deadline), self.throttle.take()).await;
        in_time.map_err(|_| PublishError::Throttled { message: E::TYPE.name, topic: E::TYPE.topic, rate: self.throttle.rate() })
    }

    /// Publishes the events in their order, pipelined, and waits for all of them.
    ///
    /// # Errors
    /// The first [`PublishError`]; events before and after it may have been published.
    pub async fn publish_all<'a>(&self, events: impl IntoIterator<Item = &'a E>) -> Result<Vec<Receipt>, PublishError>
    where
        E: 'a,
    {
        let mut confirms = Vec::new();
        for event in events {
            confirms.push(self.send(event).await?);
        }
        let mut receipts = Vec::with_capacity(confirms.len());
        for confirm in confirms {
            receipts.push(confirm.await.map_err(failed::<E>)?);
        }
        Ok(receipts)
    }
}

/// The span of a message that leaves; off unless somebody listens to `comms::process`, as that of one that is handled.
pub(crate) fn span(broker: &dyn Broker, envelope: &Envelope) -> tracing::Span {
    let metadata = &envelope.metadata;
    tracing::debug_span!(
        target: "comms::process",
        "publish",
        otel.kind = "producer",
        messaging.system = broker.scheme(),
        messaging.operation.type = "send",
        messaging.destination.name = %envelope.topic,
        messaging.message.id = %metadata.id,
        correlation_id = %metadata.correlation.as_ref().unwrap_or(&metadata.id),
        trace_id = metadata.trace.map(|trace| tracing::field::display(format!("{:032x}", trace.trace_id()))),
    )
}

fn why_not(why: NotKept) -> String {
    match why {
        NotKept::Ended => "its attempt has ended, and with it what could be published: await in the handler what publishes, or spawn it by `tokio::spawn` to publish outside of the transaction".to_owned(),
        NotKept::Full => format!("one attempt publishes at most {MOST_MESSAGES} messages, with {} MiB of payload: divide the work", MOST_BYTES >> 20),
    }
}

fn failed<E: Message>(source: BrokerError) -> PublishError {
    PublishError::Broker { message: E::TYPE.name, topic: E::TYPE.topic, source }
}

/// The message as it leaves: encoded, with the attributes of its type and of the current context.
pub(crate) fn envelope<M: Message>(message: &M, topic: &Arc<str>, source: &Arc<str>) -> Result<Envelope, CodecError> {
    let payload = message.encode()?;
    Ok(envelope_around(payload, message, topic, source))
}

/// The same around the encoded message. Inlined, and not with the error of encoding in one value: an envelope is large, and would be moved
/// at each step.
#[inline(always)]
fn envelope_around<M: Message>(payload: Bytes, message: &M, topic: &Arc<str>, source: &Arc<str>) -> Envelope {
    let mut metadata = metadata_of(&M::TYPE, Arc::clone(source));
    metadata.key = message.key().map(Into::into);
    Context::current().stamp(&mut metadata);
    Envelope::new(Arc::clone(topic), metadata, payload)
}

#[inline]
fn metadata_of(message: &MessageType, source: Arc<str>) -> Metadata {
    let mut metadata = Metadata::new(message.name, source);
    metadata.version = message.version;
    metadata.content_type = Some(message.content_type.into());
    metadata
}

impl<E: Event> Injectable for Publisher<E> {
    fn inject(scope: &Scope) -> Result<Self, InjectError> {
        let brokers: Brokers = scope.get()?;
        let Source(source) = scope.get()?;
        let broker = brokers.get(E::TYPE.broker).ok_or_else(|| no_broker(&E::TYPE, &brokers))?;
        let (throttles, metrics): (Throttles, Metrics) = (scope.get()?, scope.get()?);
        let counters = metrics.publishers(E::TYPE.broker, broker.scheme(), E::TYPE.name, E::TYPE.topic);
        Ok(Self { throttle: throttles.of_publishers(E::TYPE.name), counters, ..Self::new(Arc::clone(broker), source) })
    }
}

fn no_broker(message: &MessageType, brokers: &Brokers) -> InjectError {
    let known: Vec<&str> = brokers.iter().map(|(name, _)| name).collect();
    InjectError::Unavailable {
        wanted: message.rust_path,
        reason: format!(
            "`{}` is declared on the broker `{}`, but the configuration has only: {}. Add `[brokers.{}]` with a `url`",
            message.name,
            message.broker,
            known.join(", "),
            message.broker
        ),
    }
}
