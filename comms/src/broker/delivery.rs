//! A message in the hands of a member, and the ways to settle it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{BrokerError, DeadLetter};
use crate::message::Envelope;

/// The stream of deliveries of one subscription.
///
/// Yields at most [`Subscription::prefetch`](super::Subscription::prefetch) unsettled deliveries. In an
/// ordered subscription messages of one key come in publish order; the caller must not handle two of one
/// key at once. It ends (`None`) only once the broker is closed. A lost connection is repaired inside: what was
/// unsettled then is delivered again, and settling the old delivery does nothing.
pub trait Consumer: Send + 'static {
    /// The next delivery, once there is one.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>>;
}

/// How a backend settles what it delivered. `tag` is the backend's own name for a delivery.
pub trait Settle: fmt::Debug + Send + Sync + 'static {
    /// The work is done. May be written out later, batched, over the contiguous settled prefix only;
    /// when that fails the message is delivered again.
    fn ack(&self, tag: u64);

    /// The work is done, and what it published is sent: both become visible, or neither, and the message is delivered again then.
    /// Asked in subscriptions that are [`transactional`](super::Subscription::transactional) only; others give the message back.
    fn commit(&self, tag: u64, published: Vec<Arc<Envelope>>) {
        tracing::error!(messages = published.len(), "the broker has no transactions: the message is delivered again");
        self.release(tag);
    }

    /// Gives the message back unhandled, to be delivered again soon, to any member.
    fn release(&self, tag: u64);

    /// Takes the message off the queue and brings `again` back after the delay, at the earliest. Returns
    /// once `again` is safe; the original is acknowledged only after that.
    fn retry(&self, tag: u64, again: Arc<Envelope>, delay: Duration) -> BoxFuture<'_, Result<(), BrokerError>>;

    /// Moves the message to the dead letters of its subscription. Returns once it is safe there; the
    /// original is acknowledged only after that.
    fn dead_letter(&self, tag: u64, letter: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>>;
}

/// Where a delivery came from: one of the queues that an ordered subscription is hashed to, and since when this
/// member reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shard {
    /// The shard's number, from 0; always 0 in an unordered subscription.
    pub index: u16,
    /// Another one each time the shard comes to this member: between two tenures others may have handled messages
    /// of it.
    pub tenure: u32,
}

/// A message in the hands of a member of a group.
///
/// Exactly one of its consuming methods settles it; when it is dropped instead, it is released.
#[must_use = "a delivery that is dropped is delivered again"]
#[derive(Debug)]
pub struct Delivery {
    envelope: Arc<Envelope>,
    redelivered: u32,
    survived: u32,
    shard: Shard,
    tag: u64,
    settle: Option<Arc<dyn Settle>>,
}

impl Delivery {
    /// A delivery that `settle` knows by `tag`. `redelivered` counts the earlier deliveries of this very copy.
    pub fn new(envelope: Arc<Envelope>, tag: u64, redelivered: u32, shard: Shard, settle: Arc<dyn Settle>) -> Self {
        Self { envelope, redelivered, survived: 0, shard, tag, settle: Some(settle) }
    }

    /// Of the earlier deliveries up to so many are known not to have been the end of their process: they are no attempts.
    pub fn survived(mut self, deliveries: u32) -> Self {
        self.survived = deliveries;
        self
    }

    /// Whether this very copy was delivered before, to whomever: it may have been handled.
    #[must_use]
    pub fn is_again(&self) -> bool {
        self.redelivered > 0
    }

    /// The message.
    #[must_use]
    pub fn envelope(&self) -> &Arc<Envelope> {
        &self.envelope
    }

    /// Which attempt at handling this is, from 1: those counted in the message, and the deliveries of this
    /// copy that ended without being settled, a crash for example.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        let crashes = self.redelivered.saturating_sub(self.survived);
        self.envelope.metadata.attempt.saturating_add(crashes).saturating_add(1)
    }

    /// The shard it came from.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// Settles it: the work is done.
    pub fn ack(mut self) {
        if let Some(settle) = self.settle.take() {
            settle.ack(self.tag);
        }
    }

    /// Settles it together with what its handler published: both become visible, or neither; then it is delivered again.
    ///
    /// Only in a subscription that is [`transactional`](super::Subscription::transactional), on a broker with that
    /// [capability](super::Capabilities::transactional), which [prepared](super::Broker::prepare) the messages.
    pub fn commit(mut self, published: Vec<Arc<Envelope>>) {
        if published.is_empty() {
            return self.ack();
        }
        if let Some(settle) = self.settle.take() {
            settle.commit(self.tag, published);
        }
    }

    /// Gives it back unhandled.
    pub fn release(self) {
        drop(self);
    }

    /// Brings `again` back after the delay, then takes this one off the queue.
    ///
    /// # Errors
    /// When `again` could not be made safe; this delivery is released then, and comes again.
    pub async fn retry(mut self, again: Arc<Envelope>, delay: Duration) -> Result<(), BrokerError> {
        self.settler()?.retry(self.tag, again, delay).await?;
        self.settle = None;
        Ok(())
    }

    /// Moves it to the dead letters.
    ///
    /// # Errors
    /// When the letter could not be made safe; this delivery is released then, and comes again.
    pub async fn dead_letter(mut self, letter: DeadLetter) -> Result<(), BrokerError> {
        self.settler()?.dead_letter(self.tag, letter).await?;
        self.settle = None;
        Ok(())
    }

    /// The delivery keeps its settler until the broker has answered: a cancelled settle is a release.
    fn settler(&self) -> Result<Arc<dyn Settle>, BrokerError> {
        self.settle.clone().ok_or_else(|| BrokerError::closed("settle a delivery twice"))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(settle) = self.settle.take() {
            settle.release(self.tag);
        }
    }
}
