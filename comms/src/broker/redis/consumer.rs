//! Consuming: a session after the other.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use rand::RngExt;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::AbortOnDropHandle;

use super::declare::{declare, group_of};
use super::desk::Desk;
use super::error::is_fatal;
use super::keys::GroupKeys;
use super::ordered::Ordered;
use super::session::Session;
use super::shared::Shared;
use super::unordered::Unordered;
use crate::broker::{BrokerError, BrokerErrorKind, Consumer, Delivery, Settle, Subscription};

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the server may take to begin; waiting for the connection counts too.
const OPENING: Duration = Duration::from_secs(30);

/// What a session is begun from, again and again.
#[derive(Clone)]
pub(super) struct Recipe {
    shared: Arc<Shared>,
    group: GroupKeys,
    subscription: Arc<Subscription>,
    /// How many sessions were begun.
    begun: Arc<AtomicU32>,
}

impl Recipe {
    pub(super) fn new(shared: Arc<Shared>, subscription: Arc<Subscription>) -> Self {
        Self { group: group_of(&shared, &subscription), shared, subscription, begun: Arc::default() }
    }

    /// Declares the group, joins it, and begins to read. `before` is the member of the session that was lost.
    pub(super) async fn open(&self, before: Option<&str>) -> Result<Opened, BrokerError> {
        let found = declare(&self.shared, &self.group, &self.subscription).await?;
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let ordered = self.subscription.order.is_some();
        let desk = Desk::new(self.subscription.concurrency.max(1), self.subscription.prefetch().max(1), ordered);
        let session = Arc::new(Session {
            shared: Arc::clone(&self.shared),
            subscription: Arc::clone(&self.subscription),
            group: self.group.clone(),
            member: uuid::Uuid::now_v7().to_string(),
            desk,
            delayed: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        });
        if let Err(error) = self.join(&session, before, found, number).await {
            // Or it would count as a member until its lease runs out.
            let _ = session.reap(&session.member, &[]).await;
            return Err(error);
        }
        Ok(Opened { settle: Arc::clone(&session) as Arc<dyn Settle>, session, number })
    }

    async fn join(
        &self,
        session: &Arc<Session>,
        before: Option<&str>,
        found: (usize, Vec<String>),
        number: u32,
    ) -> Result<(), BrokerError> {
        if self.subscription.order.is_some() {
            let member = Ordered::join(Arc::clone(session), before, found, number).await?;
            self.shared.members.spawn(member.run());
        } else {
            let member = Unordered::join(Arc::clone(session), before, found, number).await?;
            self.shared.members.spawn(member.run());
        }
        Ok(())
    }

    /// Opens until it succeeds: a subscription doesn't end quietly.
    async fn reopen(self, before: String) -> Opened {
        let mut pause = Duration::from_millis(50);
        loop {
            let opened = timeout(OPENING, self.open(Some(&before))).await;
            match opened.unwrap_or_else(|_| Err(no_answer())) {
                Ok(opened) => return opened,
                Err(error) if is_fatal(error.kind()) => {
                    tracing::error!(%error, subscription = &*self.group.name, "can't go on consuming; trying again");
                }
                Err(error) => tracing::debug!(%error, subscription = &*self.group.name, "can't go on consuming yet"),
            }
            let jitter = rand::rng().random_range(0.5..1.0);
            sleep(pause.mul_f64(jitter)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn no_answer() -> BrokerError {
    BrokerError::new(BrokerErrorKind::Connection, format!("Redis did not begin to deliver within {OPENING:?}"))
}

/// A session that reads.
pub(super) struct Opened {
    session: Arc<Session>,
    settle: Arc<dyn Settle>,
    /// How many sessions of the subscription this process began, and lost, before it.
    number: u32,
}

enum Phase {
    Open(Opened),
    /// A task, so that it goes on while the pipeline is busy and doesn't ask for more.
    Opening(AbortOnDropHandle<Opened>, String),
    Ended,
}

/// The deliveries of a subscription over all its sessions.
pub(super) struct RedisConsumer {
    recipe: Recipe,
    phase: Phase,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl RedisConsumer {
    pub(super) fn new(recipe: Recipe, opened: Opened) -> Self {
        let stopping = Box::pin(recipe.shared.stopping.clone().cancelled_owned());
        Self { recipe, phase: Phase::Open(opened), stopping }
    }

    fn poll_phase(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        loop {
            match &mut self.phase {
                Phase::Open(opened) => match ready!(opened.session.desk.poll_next(context)) {
                    Some(next) => {
                        let settle = Arc::clone(&opened.settle);
                        // This process has survived what it was delivered in its earlier sessions: those were no crashes.
                        let delivery = Delivery::new(next.envelope, next.tag, next.redelivered, next.shard, settle);
                        return Poll::Ready(Some(delivery.survived(opened.number)));
                    }
                    None => {
                        let before = opened.session.member.clone();
                        self.phase = self.reopen(before);
                    }
                },
                Phase::Opening(opening, before) => {
                    let opened = ready!(opening.poll_unpin(context));
                    let before = std::mem::take(before);
                    self.phase = match opened {
                        Ok(opened) => Phase::Open(opened),
                        Err(failed) if failed.is_panic() => self.reopen(before),
                        // The runtime is shutting down.
                        Err(_) => Phase::Ended,
                    };
                }
                Phase::Ended => return Poll::Ready(None),
            }
        }
    }

    fn reopen(&self, before: String) -> Phase {
        let opening = tokio::spawn(self.recipe.clone().reopen(before.clone()));
        Phase::Opening(AbortOnDropHandle::new(opening), before)
    }

    fn end(&mut self) {
        if let Phase::Open(opened) = std::mem::replace(&mut self.phase, Phase::Ended) {
            opened.session.desk.leave();
        }
    }
}

impl Consumer for RedisConsumer {
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

impl Drop for RedisConsumer {
    fn drop(&mut self) {
        self.end();
    }
}
