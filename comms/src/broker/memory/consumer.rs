//! A member of a group, and how it settles.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, Sleep};

use super::group::{Group, Next};
use super::hub::Hub;
use crate::broker::{BrokerError, Consumer, DeadLetter, Delivery, Settle};
use crate::message::Envelope;

/// The name under which deliveries are settled: the group and its member.
#[derive(Debug)]
struct Seat {
    group: Arc<Group>,
    member: u64,
    hub: Weak<Hub>,
}

impl Settle for Seat {
    fn ack(&self, tag: u64) {
        self.group.ack(self.member, tag);
    }

    fn commit(&self, tag: u64, published: Vec<Arc<Envelope>>) {
        match self.hub.upgrade() {
            Some(hub) => hub.commit(&self.group, self.member, tag, &published),
            None => self.group.release(self.member, tag),
        }
    }

    fn release(&self, tag: u64) {
        self.group.release(self.member, tag);
    }

    fn retry(&self, tag: u64, again: Arc<Envelope>, delay: Duration) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            self.group.retry(self.member, tag, again, delay);
            Ok(())
        })
    }

    fn dead_letter(&self, tag: u64, letter: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move { self.group.dead_letter(self.member, tag, letter) })
    }
}

/// The stream of deliveries of one member.
pub(super) struct MemoryConsumer {
    seat: Arc<Seat>,
    settle: Arc<dyn Settle>,
    /// Wakes it when the next delayed message of the group is due; made with the first one.
    timer: Option<Pin<Box<Sleep>>>,
}

impl MemoryConsumer {
    pub(super) fn new(hub: &Arc<Hub>, group: Arc<Group>, member: u64) -> Self {
        let seat = Arc::new(Seat { group, member, hub: Arc::downgrade(hub) });
        Self { settle: Arc::<Seat>::clone(&seat), seat, timer: None }
    }

    fn poll_timer(&mut self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(context)
    }
}

impl Consumer for MemoryConsumer {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        loop {
            match self.seat.group.next(self.seat.member, context.waker()) {
                Next::Message { tag, shard, envelope, redelivered } => {
                    return Poll::Ready(Some(Delivery::new(envelope, tag, redelivered, shard, Arc::clone(&self.settle))));
                }
                Next::Ended => return Poll::Ready(None),
                Next::Wait(None) => return Poll::Pending,
                Next::Wait(Some(due)) => ready!(self.poll_timer(due, context)),
            }
        }
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        let member = self.seat.member;
        let gone = self.seat.group.leave(|candidate| candidate.id == member);
        if let Some(hub) = self.seat.hub.upgrade().filter(|_| gone) {
            hub.remove(&self.seat.group);
        }
    }
}
