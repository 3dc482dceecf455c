//! Consuming: a session per channel, and what makes a new one when it is lost.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{FutureExt, Stream};
use jiff::Timestamp;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use rand::RngExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::AbortOnDropHandle;

use super::connection::while_up;
use super::error::{broker_error, forbidden, is_fatal};
use super::foreign;
use super::headers::{self, Read};
use super::ledger::Kept;
use super::settle::Desk;
use super::shared::{Shared, create_channel};
use super::topology::{Topology, short};
use crate::broker::{BrokerError, BrokerErrorKind, Consumer, Delivery, Settle, Shard, Subscription};
use crate::message::Envelope;

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the server may take to declare a topology and to begin to deliver; waiting for the connection counts too.
const OPENING: Duration = Duration::from_secs(30);

/// What a session is opened from, again and again.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) shared: Arc<Shared>,
    pub(super) topology: Arc<Topology>,
    pub(super) subscription: Arc<Subscription>,
    /// How often the server was asked to deliver.
    begun: Arc<AtomicU32>,
}

impl Recipe {
    pub(super) fn new(shared: Arc<Shared>, topology: Arc<Topology>, subscription: Arc<Subscription>) -> Self {
        Self { shared, topology, subscription, begun: Arc::default() }
    }

    /// Declares the topology and begins to consume.
    pub(super) async fn open(&self) -> Result<Session, BrokerError> {
        while_up(self.shared.consuming().await?.watch(), async |connection| self.open_on(&connection).await).await
    }

    async fn open_on(&self, connection: &lapin::Connection) -> Result<Session, BrokerError> {
        let attempted = format!("consume `{}`", self.topology.name);
        if let Some(route) = &self.topology.route {
            foreign::ensure(connection, route).await?;
        }
        let channel = create_channel(connection, &attempted).await?;
        self.topology.declare(&channel).await?;
        let (prefetch, credit) = credit(self.subscription.prefetch());
        channel.basic_qos(credit, BasicQosOptions::default()).await.map_err(|error| broker_error(&attempted, &error))?;
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let mut streams = Vec::with_capacity(self.topology.queues.len());
        for queue in &self.topology.queues {
            let consuming =
                channel.basic_consume(short(&queue.name)?, ShortString::default(), BasicConsumeOptions::default(), FieldTable::default());
            let refused =
                |error| forbidden(&format!("consume the queue `{}`", queue.name), &error, &format!("`read` on the queue `{}`", queue.name));
            streams.push(consuming.await.map_err(refused)?);
        }
        let ordered = self.subscription.order.is_some();
        let desk = Desk::new(channel, Arc::clone(&self.shared), Arc::clone(&self.topology), ordered, prefetch);
        self.shared.add_desk(&desk);
        Ok(Session {
            settle: Arc::clone(&desk) as Arc<dyn Settle>,
            desk,
            streams,
            number,
            next: 0,
            ordered,
            one_word: self.subscription.topic.as_str() == "*",
            topic: self.subscription.topic.as_str().into(),
            routed: self.topology.route.is_some(),
        })
    }

    /// Opens until it succeeds: a subscription doesn't end quietly.
    async fn reopen(self) -> Session {
        let mut pause = Duration::from_millis(50);
        loop {
            let opened = timeout(OPENING, self.open()).await;
            match opened.unwrap_or_else(|_| Err(no_answer())) {
                Ok(session) => return session,
                Err(error) if is_fatal(error.kind()) => {
                    tracing::error!(%error, subscription = self.topology.name, "can't go on consuming; trying again");
                }
                Err(error) => tracing::debug!(%error, subscription = self.topology.name, "can't go on consuming yet"),
            }
            let jitter = rand::rng().random_range(0.5..1.0);
            sleep(pause.mul_f64(jitter)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The deliveries of one channel.
pub(super) struct Session {
    desk: Arc<Desk>,
    settle: Arc<dyn Settle>,
    streams: Vec<lapin::Consumer>,
    /// How many sessions of the subscription this process began, and lost, before it.
    number: u32,
    /// The shard to ask first: the one after the last that had something.
    next: usize,
    ordered: bool,
    /// The pattern `*`, which a bucket's key matches too.
    one_word: bool,
    /// Every message is of the subscription's topic, whatever its routing key.
    routed: bool,
    /// The last topic seen: mostly the next one too.
    topic: Arc<str>,
}

impl Session {
    /// `None` when the channel is lost.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if !self.desk.has_room(context.waker()) {
            return Poll::Pending;
        }
        if self.ordered
            && let Some((tag, envelope, redelivered, shard)) = self.desk.next_again()
        {
            return Poll::Ready(Some(self.delivery(envelope, tag, redelivered, shard)));
        }
        for _ in 0..self.streams.len() {
            let shard = self.next;
            self.next = (self.next + 1) % self.streams.len();
            while let Poll::Ready(item) = Pin::new(&mut self.streams[shard]).poll_next(context) {
                // The server took the consumer off (its queue was deleted), or the channel is closed.
                let Some(Ok(delivery)) = item else { return Poll::Ready(None) };
                if let Some(delivery) = self.take(delivery, shard) {
                    return Poll::Ready(Some(delivery));
                }
            }
        }
        if self.ordered {
            self.desk.wake_later(context.waker());
        }
        self.desk.flush_prefix();
        Poll::Pending
    }

    /// What the pipeline gets to see of a delivery, if anything.
    fn take(&mut self, delivery: lapin::message::Delivery, shard: usize) -> Option<Delivery> {
        let tag = delivery.delivery_tag;
        let shard = Shard { index: u16::try_from(shard).unwrap_or(u16::MAX), tenure: self.number };
        let (topic, routed) = (&mut self.topic, self.routed);
        let read = headers::read(delivery, |text| {
            if !routed && **topic != *text {
                *topic = text.into();
            }
            Arc::clone(topic)
        });
        let Read { envelope, redelivered, foreign, not_before, .. } = read;
        let envelope = Arc::new(envelope);
        let again = self.ordered.then(|| (Arc::clone(&envelope), redelivered));
        self.desk.deliver(tag, Kept { shard, foreign, again });
        if self.one_word && envelope.topic.contains('.') {
            self.settle.ack(tag);
            return None;
        }
        let delivery = self.delivery(envelope, tag, redelivered, shard);
        match not_before {
            Some(time) => self.hold_further(delivery, time),
            None => Some(delivery),
        }
    }

    /// RabbitMQ counts every delivery that was not settled. This process has survived what it delivered in its earlier
    /// sessions, so those were no crashes; and if the message is one that kills, it does so here only once more, for the
    /// next process has lost nothing yet.
    fn delivery(&self, envelope: Arc<Envelope>, tag: u64, redelivered: u32, shard: Shard) -> Delivery {
        Delivery::new(envelope, tag, redelivered, shard, Arc::clone(&self.settle)).survived(self.number)
    }

    /// A delay that is longer than the ladder is made of several.
    fn hold_further(&self, delivery: Delivery, until: Timestamp) -> Option<Delivery> {
        match Duration::try_from(until.duration_since(Timestamp::now())) {
            Ok(rest) if !rest.is_zero() => {
                let again = Arc::clone(delivery.envelope());
                // When it fails the delivery is released, and comes again.
                tokio::spawn(delivery.retry(again, rest));
                None
            }
            _ => Some(delivery),
        }
    }
}

/// How many unsettled messages the member may hold, and how many the server may send it of each shard: as many. What it holds may all be of
/// one shard, and with less credit there, say that shard's part, server and member would wait for each other: the one for an
/// acknowledgement, the other for more work. (A limit over all consumers of a channel is not to be had for quorum queues.)
fn credit(prefetch: usize) -> (usize, u16) {
    let credit = u16::try_from(prefetch.max(1)).unwrap_or(u16::MAX);
    (usize::from(credit), credit)
}

fn no_answer() -> BrokerError {
    BrokerError::new(BrokerErrorKind::Connection, format!("RabbitMQ did not begin to deliver within {OPENING:?}"))
}

enum Phase {
    Open(Session),
    /// A task, so that it goes on while the pipeline is busy and doesn't ask for more.
    Opening(AbortOnDropHandle<Session>),
    Ended,
}

/// The deliveries of a subscription over all its sessions.
pub(super) struct RabbitConsumer {
    recipe: Recipe,
    phase: Phase,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl RabbitConsumer {
    pub(super) fn new(recipe: Recipe, session: Session) -> Self {
        let stopping = Box::pin(recipe.shared.stopping.clone().cancelled_owned());
        Self { recipe, phase: Phase::Open(session), stopping }
    }

    fn poll_phase(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        loop {
            match &mut self.phase {
                Phase::Open(session) => match session.poll_next(context) {
                    Poll::Ready(None) => {
                        session.desk.close();
                        tracing::warn!(subscription = self.recipe.topology.name, "consuming was interrupted; resuming");
                        self.phase = self.reopen();
                    }
                    delivery => return delivery,
                },
                Phase::Opening(opening) => {
                    self.phase = match ready!(opening.poll_unpin(context)) {
                        Ok(session) => Phase::Open(session),
                        Err(failed) if failed.is_panic() => self.reopen(),
                        // The runtime is shutting down.
                        Err(_) => Phase::Ended,
                    };
                }
                Phase::Ended => return Poll::Ready(None),
            }
        }
    }

    fn reopen(&self) -> Phase {
        Phase::Opening(AbortOnDropHandle::new(tokio::spawn(self.recipe.clone().reopen())))
    }

    fn end(&mut self) {
        if let Phase::Open(session) = std::mem::replace(&mut self.phase, Phase::Ended) {
            session.desk.leave(session.streams);
        }
    }
}

impl Consumer for RabbitConsumer {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if !self.recipe.shared.stopping.is_cancelled() {
            let polled = self.poll_phase(context);
            if polled.is_ready() || self.stopping.as_mut().poll(context).is_pending() {
                return polled;
            }
        }
        self.end();
        Poll::Ready(None)
    }
}

impl Drop for RabbitConsumer {
    fn drop(&mut self) {
        self.end();
    }
}
