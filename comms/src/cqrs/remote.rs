//! Requests over a broker: sent to the owner's topic, answered to a topic of this connection's own.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, oneshot};
use tracing::Instrument as _;

use super::reply::{IN_REPLY_TO, REPLY_TO};
use crate::broker::{Broker, BrokerError, Consumer, Delivery, Reach, Subscription};
use crate::message::{Envelope, Id};
use crate::publisher;

/// Calls over one broker.
#[derive(Debug)]
pub(crate) struct RemoteCalls {
    broker: Arc<dyn Broker>,
    /// Subscribed to at the first call.
    inbox: OnceCell<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    topic: String,
    waiting: Arc<Waiting>,
    /// Ends the task that reads the inbox when the last handle goes.
    _reader: AbortOnDrop,
}

#[derive(Debug)]
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The callers, by the id of their request.
#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<String, oneshot::Sender<Arc<Envelope>>>>);

impl RemoteCalls {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, inbox: OnceCell::new() }
    }

    /// Sends the request and waits for its reply; `None` if nobody handles it. The caller bounds the time.
    pub(crate) async fn call(&self, mut request: Envelope) -> Result<Option<Arc<Envelope>>, BrokerError> {
        let inbox = self.inbox.get_or_try_init(|| self.open_inbox()).await?;
        request.metadata.extensions.insert(REPLY_TO.to_owned(), inbox.topic.clone());
        let ticket = inbox.waiting.expect(&request.metadata.id);
        let span = publisher::span(self.broker.as_ref(), &request);
        let receipt = self.broker.publish(Arc::new(request)).instrument(span).await.await?;
        if receipt.reach == Reach::Unrouted {
            return Ok(None);
        }
        ticket.reply().await.map(Some)
    }

    async fn open_inbox(&self) -> Result<Inbox, BrokerError> {
        let name = format!("replies.{}", Id::new());
        let topic = name.parse().map_err(|error| BrokerError::new(crate::broker::BrokerErrorKind::Config, format!("{error}")))?;
        let mut subscription = Subscription::new(topic, name.clone());
        subscription.ephemeral = true;
        subscription.concurrency = 256;
        let consumer = self.broker.subscribe(Arc::new(subscription)).await?;
        let waiting = Arc::new(Waiting::default());
        let reader = tokio::spawn(read_inbox(consumer, Arc::clone(&waiting))).abort_handle();
        Ok(Inbox { topic: name, waiting, _reader: AbortOnDrop(reader) })
    }
}

async fn read_inbox(mut consumer: Box<dyn Consumer>, waiting: Arc<Waiting>) {
    while let Some(delivery) = poll_fn(|context| consumer.poll_next(context)).await {
        waiting.tell(delivery);
    }
}

impl Waiting {
    fn expect(self: &Arc<Self>, request: &Id) -> Ticket {
        let (tell, told) = oneshot::channel();
        let request = request.to_string();
        self.lock().insert(request.clone(), tell);
        Ticket { waiting: Arc::clone(self), request, told }
    }

    /// A reply that nobody waits for any more is dropped: its caller gave up at its deadline.
    fn tell(&self, delivery: Delivery) {
        let envelope = Arc::clone(delivery.envelope());
        delivery.ack();
        let caller = envelope.metadata.extensions.get(IN_REPLY_TO).and_then(|request| self.lock().remove(request));
        if let Some(caller) = caller {
            let _ = caller.send(envelope);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Arc<Envelope>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's place among those who wait; given up when it is dropped.
struct Ticket {
    waiting: Arc<Waiting>,
    request: String,
    told: oneshot::Receiver<Arc<Envelope>>,
}

impl Ticket {
    async fn reply(mut self) -> Result<Arc<Envelope>, BrokerError> {
        (&mut self.told).await.map_err(|_| BrokerError::closed("wait for a reply"))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.request);
    }
}
