//! The world of one case: names of its own, messages, members.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use comms::broker::{
    Broker, BrokerError, BrokerErrorKind, Consumer, DeadLetter, DeadLetterFilter, Delivery, Lag, Order, Provenance, Receipt, Subscription,
};
use comms::message::{Envelope, Metadata};
use tokio::time::{Instant, timeout};

use crate::{Backend, Setup};

/// A broker under test, one connection to it, and names that no other case uses.
pub struct World {
    /// The broker.
    pub backend: Arc<dyn Backend>,
    /// A connection that stays open for the case; a case makes more with [`World::connect`].
    pub broker: Arc<dyn Broker>,
    prefix: String,
}

/// A case that fails shows what the server had to say.
impl Drop for World {
    #[allow(clippy::print_stderr, reason = "the test harness captures it and shows it with the failure")]
    fn drop(&mut self) {
        if let Some(server) = self.backend.server().filter(|_| std::thread::panicking()) {
            eprintln!("the server's log ends with:\n{}", server.log());
        }
    }
}

impl World {
    /// A world on a broker that other cases may share.
    pub async fn new<B: Backend>() -> Self {
        Self::with::<B>(Setup::shared()).await
    }

    /// A world on a broker that meets the setup.
    pub async fn with<B: Backend>(setup: Setup) -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let backend: Arc<dyn Backend> = Arc::new(B::start(setup).await);
        let broker = backend.connect().await;
        let prefix = format!("c{}-{}", std::process::id(), CASES.fetch_add(1, Ordering::Relaxed));
        Self { backend, broker, prefix }
    }

    /// Another connection.
    pub async fn connect(&self) -> Arc<dyn Broker> {
        self.backend.connect().await
    }

    /// A topic or pattern below the case's own first word.
    #[must_use]
    pub fn topic(&self, rest: &str) -> String {
        format!("{}.{rest}", self.prefix)
    }

    /// The subscription of a group to a topic or pattern.
    #[must_use]
    pub fn subscription(&self, topic: &str, group: &str) -> Subscription {
        Subscription::new(self.topic(topic).parse().expect("a topic pattern"), format!("{}-{group}", self.prefix))
    }

    /// The same with an order of so many shards.
    #[must_use]
    pub fn ordered(&self, topic: &str, group: &str, shards: u16) -> Subscription {
        let mut subscription = self.subscription(topic, group);
        subscription.order = Some(Order { shards: shards.try_into().expect("at least one shard") });
        subscription
    }

    /// A message with a text for a payload.
    #[must_use]
    pub fn message(&self, topic: &str, text: &str) -> Envelope {
        let mut metadata = Metadata::new("conformance.thing", "conformance".into());
        metadata.content_type = Some("text/plain".into());
        Envelope::new(self.topic(topic).into(), metadata, Bytes::from(text.to_owned()))
    }

    /// A message with a key.
    #[must_use]
    pub fn keyed(&self, topic: &str, key: &str, text: &str) -> Envelope {
        let mut message = self.message(topic, text);
        message.metadata.key = Some(key.into());
        message
    }

    /// Publishes and waits for the confirmation, which has to come.
    pub async fn publish(&self, message: Envelope) -> Receipt {
        let (topic, patience) = (Arc::clone(&message.topic), self.backend.patience());
        match timeout(patience, publish(&*self.broker, message)).await {
            Ok(Ok(receipt)) => receipt,
            Ok(Err(error)) => panic!("publishing to `{topic}` failed: {error:?}"),
            Err(_) => panic!("publishing to `{topic}` was not confirmed within {patience:?}"),
        }
    }

    /// Publishes texts to a topic, one after the other.
    pub async fn publish_texts(&self, topic: &str, texts: &[&str]) {
        for text in texts {
            self.publish(self.message(topic, text)).await;
        }
    }

    /// A member on the case's own connection.
    pub async fn join(&self, subscription: &Subscription) -> Member {
        self.join_by(&self.broker, subscription).await
    }

    /// A member on another connection.
    pub async fn join_by(&self, broker: &Arc<dyn Broker>, subscription: &Subscription) -> Member {
        let consumer = match timeout(self.backend.patience(), broker.subscribe(Arc::new(subscription.clone()))).await {
            Ok(Ok(consumer)) => consumer,
            Ok(Err(error)) => panic!("subscribing `{}` failed: {error:?}", subscription.name()),
            Err(_) => panic!("subscribing `{}` took longer than {:?}", subscription.name(), self.backend.patience()),
        };
        Member { name: subscription.name(), consumer, patience: self.backend.patience(), silence: self.backend.silence() }
    }

    /// The error that subscribing ends with.
    pub async fn refused(&self, subscription: &Subscription) -> BrokerError {
        match timeout(self.backend.patience(), self.broker.subscribe(Arc::new(subscription.clone()))).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) => panic!("subscribing `{}` succeeded; expected an error", subscription.name()),
            Err(_) => panic!("subscribing `{}` was not refused within {:?}", subscription.name(), self.backend.patience()),
        }
    }

    /// Waits until a group is as far behind as expected; what the broker says then.
    pub async fn lag_where(&self, subscription: &Subscription, expected: &str, is: impl Fn(&Lag) -> bool) -> Lag {
        let began = Instant::now();
        loop {
            let lag = match timeout(self.backend.patience(), self.broker.admin().lag(subscription)).await {
                Ok(lag) => lag.expect("how far the group is behind"),
                Err(_) => panic!("no answer to how far `{}` is behind", subscription.name()),
            };
            if is(&lag) {
                return lag;
            }
            assert!(began.elapsed() < self.backend.patience(), "`{}`: {lag:?}; expected {expected}", subscription.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a group has nothing left to do.
    pub async fn nothing_behind(&self, subscription: &Subscription) {
        let lag = self.lag_where(subscription, "nothing behind", |lag| lag.total() == 0).await;
        assert!(lag.parts.iter().all(|part| part.waiting == 0), "{lag:?}");
    }

    /// The dead letters that the filter selects.
    pub async fn dead_letters(&self, subscription: &Subscription, filter: &DeadLetterFilter) -> Vec<DeadLetter> {
        self.broker.admin().dead_letters(subscription, filter).await.expect("the dead letters")
    }

    /// Joins, has each of the messages dead-lettered, and leaves.
    pub async fn dead_letter_all(&self, subscription: &Subscription, messages: Vec<Envelope>) {
        let mut member = self.join(subscription).await;
        for message in messages {
            self.publish(message).await;
            let delivery = member.next().await;
            let letter = DeadLetter::new(Arc::clone(delivery.envelope()), provenance(&delivery));
            delivery.dead_letter(letter).await.expect("the letter is safe");
        }
    }
}

/// Publishes and waits for the outcome.
///
/// # Errors
/// The broker's.
pub async fn publish(broker: &dyn Broker, message: Envelope) -> Result<Receipt, BrokerError> {
    broker.publish(Arc::new(message)).await.await
}

/// Why a delivery is given up, with every part set.
#[must_use]
pub fn provenance(delivery: &Delivery) -> Provenance {
    let text = serde_json::json!({
        "topic": &*delivery.envelope().topic, "group": "billing", "service": "conformance", "handler": "on_thing",
        "reason": "failed", "class": "retryable", "errors": ["no route to bank — „Überweisung“", "timed out"],
        "attempts": delivery.attempt(), "first_seen": "2026-01-02T03:04:05.678Z", "given_up": "2026-01-02T03:05:05Z",
    });
    serde_json::from_value(text).expect("a provenance")
}

/// A kind of error, said with the error when it is another.
#[track_caller]
pub fn assert_kind(error: &BrokerError, expected: BrokerErrorKind) {
    assert_eq!(error.kind(), expected, "{error:?}");
}

/// What a delivery carries, as text.
#[must_use]
pub fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.envelope().payload).into_owned()
}

/// What deliveries carry, as texts.
#[must_use]
pub fn texts(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(text).collect()
}

/// A consumer with a clock beside it. Dropping it leaves the group without settling anything.
pub struct Member {
    name: String,
    consumer: Box<dyn Consumer>,
    patience: Duration,
    silence: Duration,
}

impl Member {
    /// The next delivery, or `None` when the consumer has ended; waits without limit.
    pub async fn wait(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.consumer.poll_next(context)).await
    }

    /// The next delivery, which has to come.
    pub async fn next(&mut self) -> Delivery {
        match timeout(self.patience, self.wait()).await {
            Ok(Some(delivery)) => delivery,
            Ok(None) => panic!("`{}` ended; expected a message", self.name),
            Err(_) => panic!("`{}` got nothing within {:?}; expected a message", self.name, self.patience),
        }
    }

    /// So many deliveries, unsettled.
    pub async fn take(&mut self, count: usize) -> Vec<Delivery> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            taken.push(self.next().await);
        }
        taken
    }

    /// The texts of so many deliveries, acknowledged.
    pub async fn handle(&mut self, count: usize) -> Vec<String> {
        let mut handled = Vec::with_capacity(count);
        while handled.len() < count {
            let delivery = self.next().await;
            handled.push(text(&delivery));
            delivery.ack();
        }
        handled
    }

    /// Proves that nothing comes, as far as listening can.
    pub async fn nothing(&mut self) {
        let silence = self.silence;
        self.nothing_for(silence).await;
    }

    /// Proves that nothing comes for a while.
    pub async fn nothing_for(&mut self, while_: Duration) {
        let began = Instant::now();
        match timeout(while_, self.wait()).await {
            Err(_) => {}
            Ok(None) => panic!("`{}` ended; expected it to wait", self.name),
            Ok(Some(delivery)) => panic!("`{}` got `{}` after {:?}; expected nothing", self.name, text(&delivery), began.elapsed()),
        }
    }

    /// Waits for the end of the consumer.
    pub async fn ended(&mut self) {
        match timeout(self.patience, self.wait()).await {
            Ok(None) => {}
            Ok(Some(delivery)) => panic!("`{}` got `{}`; expected it to end", self.name, text(&delivery)),
            Err(_) => panic!("`{}` still waits after {:?}; expected it to end", self.name, self.patience),
        }
    }
}
