//! Handlers of batches in the pipeline: gathering messages, one call for all of them, an outcome for each.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Outcome;
use super::attempt::{TimedOut, caught_future};
use super::batch::BatchDecl;
use super::erased::{ErasedBatch, Slot};
use super::plan::Entry;
use super::policy::{self, Verdict};
use super::refuse::{GivenUp, reason};
use super::settle::is_expired;
use super::worker::{Admitted, Pipeline};
use crate::broker::Delivery;
use crate::context::Context;
use crate::error::{Class, Fault};

/// The first message of a batch.
pub(super) struct First<'a> {
    pub(super) entry: &'a Entry,
    pub(super) batch: &'a dyn ErasedBatch,
    pub(super) delivery: Delivery,
}

/// What was gathered for one handler; a subscription may have several.
struct Gathered<'a> {
    entry: &'a Entry,
    batch: &'a dyn ErasedBatch,
    held: Vec<Held>,
}

/// A message of a batch, and which attempt is its next.
struct Held {
    delivery: Delivery,
    attempt: u32,
}

impl Pipeline {
    /// Gathers a batch that begins with the delivery, and settles it; and whatever else of the subscription came meanwhile.
    pub(super) async fn gather<'a>(&'a self, worker: usize, first: First<'a>, slot: &mut Slot) {
        let until = Instant::now() + limits(first.entry).wait;
        let (mut gathered, mut taken, mut single) = (Vec::new(), 0, None);
        let mut next = Some(Admitted::Batch(first));
        while let Some(admitted) = next.take() {
            match admitted {
                Admitted::Batch(message) => {
                    if self.hold(&mut gathered, message).await {
                        break;
                    }
                }
                // It should not wait for the batch to become full.
                Admitted::One(open) => {
                    single = Some(open);
                    break;
                }
            }
            while next.is_none() {
                let Some(delivery) = self.take_until(worker, until).await else { break };
                taken += 1;
                next = self.admit(delivery);
            }
        }
        // This worker stops asking: another has to.
        self.intake.leave(worker);
        if let Some(open) = single {
            self.settle_alone(open, std::time::Instant::now(), slot).await;
        }
        for Gathered { entry, batch, held } in gathered {
            let context = Context::current().of_handler(self.plan.service, entry.decl.name);
            let (begun, messages) = (Instant::now(), held.len() as u64);
            context.scope(self.settle_batch(entry, batch, held)).await;
            self.plan.counters.handle_time.observe(begun.elapsed(), messages);
        }
        for _ in 0..taken {
            self.settled(None);
        }
    }

    /// Adds the message to what was gathered for its handler; whether that is full now.
    async fn hold<'a>(&self, gathered: &mut Vec<Gathered<'a>>, message: First<'a>) -> bool {
        let First { entry, batch, delivery } = message;
        let Some(delivery) = self.new_to_the_group(entry, delivery).await else { return false };
        if let Some(refused) = GivenUp::untried(entry, &delivery) {
            let context = self.context_of(entry, &delivery);
            context.scope(self.give_up(entry, delivery, refused)).await;
            return false;
        }
        let held = Held { attempt: delivery.attempt(), delivery };
        let group = match gathered.iter_mut().find(|group| std::ptr::eq(group.entry, entry)) {
            Some(group) => group,
            None => {
                gathered.push(Gathered { entry, batch, held: Vec::new() });
                let last = gathered.len() - 1;
                &mut gathered[last]
            }
        };
        group.held.push(held);
        group.held.len() >= limits(entry).max as usize
    }

    /// The next delivery, if one comes in time.
    async fn take_until(&self, worker: usize, until: Instant) -> Option<Delivery> {
        let delivery = tokio::select! {
            biased;
            delivery = poll_fn(|task| self.intake.poll_next(worker, task)) => delivery?,
            () = sleep_until(until) => return None,
        };
        self.taken(&delivery);
        Some(delivery)
    }

    /// Call after call, each with those that are left.
    async fn settle_batch(&self, entry: &Entry, batch: &dyn ErasedBatch, mut held: Vec<Held>) {
        while !held.is_empty() {
            let opened = batch.open(&mut held.iter().map(|held| (held.delivery.envelope(), held.attempt)));
            let (readable, unreadable) = split(held, opened.undecodable);
            for (Held { delivery, attempt }, fault) in unreadable {
                let context = self.context_of(entry, &delivery);
                context.scope(self.give_up(entry, delivery, GivenUp { reason: reason::UNDECODABLE, fault, attempts: attempt })).await;
            }
            if readable.is_empty() {
                return;
            }
            let call = tokio::time::timeout(entry.decl.timeout, caught_future(opened.call)).await;
            let call = call.unwrap_or_else(|_| Err(Fault::new(Class::Retryable, TimedOut(entry.decl.timeout))));
            let (again, delay) = self.settle_each(entry, readable, opened.said.outcomes(call)).await;
            held = again;
            if !held.is_empty() && !self.wait(delay).await {
                // Dropped, and so given back: the process stops.
                return;
            }
        }
    }

    /// Settles what can be; returns what is tried again at once, and after which delay.
    async fn settle_each(&self, entry: &Entry, held: Vec<Held>, outcomes: Vec<Outcome>) -> (Vec<Held>, Duration) {
        let (mut again, mut longest) = (Vec::new(), Duration::ZERO);
        for (Held { delivery, attempt }, outcome) in held.into_iter().zip(outcomes) {
            let Err(fault) = outcome else {
                self.succeed_for_the_group(entry, delivery).await;
                continue;
            };
            let context = self.context_of(entry, &delivery);
            let verdict = match is_expired(delivery.envelope()) {
                true => Verdict::GiveUp,
                false => policy::decide(&entry.decl.retry, self.plan.retries_in_place(), attempt, &fault),
            };
            match verdict {
                Verdict::GiveUp => context.scope(self.give_up_failed(entry, delivery, fault, attempt)).await,
                Verdict::Later(delay) => context.scope(self.retry_later(entry, delivery, attempt, delay, &fault)).await,
                Verdict::Again(delay) => {
                    context.scope(async { self.report_retry(entry, &delivery, attempt, delay, &fault) }).await;
                    longest = longest.max(delay);
                    again.push(Held { delivery, attempt: attempt.saturating_add(1) });
                }
            }
        }
        (again, longest)
    }

    async fn give_up_failed(&self, entry: &Entry, delivery: Delivery, fault: Fault, attempts: u32) {
        let given_up = match fault.class {
            _ if is_expired(delivery.envelope()) => GivenUp::expired(delivery.envelope(), fault, attempts),
            Class::Permanent => GivenUp { reason: reason::PERMANENT, fault, attempts },
            _ => GivenUp { reason: reason::FAILED, fault, attempts },
        };
        self.give_up(entry, delivery, given_up).await;
    }

    /// What is logged of one message of a batch has the ids of that message.
    fn context_of(&self, entry: &Entry, delivery: &Delivery) -> Context {
        Context::of(Arc::clone(delivery.envelope())).of_handler(self.plan.service, entry.decl.name)
    }
}

fn limits(entry: &Entry) -> BatchDecl {
    entry.decl.batch.unwrap_or(BatchDecl::DEFAULT)
}

/// Those that could be read, in their order, and those that could not, each with the reason.
fn split(held: Vec<Held>, undecodable: Vec<(usize, Fault)>) -> (Vec<Held>, Vec<(Held, Fault)>) {
    let mut faults = undecodable.into_iter().peekable();
    let (mut readable, mut unreadable) = (Vec::with_capacity(held.len()), Vec::new());
    for (index, held) in held.into_iter().enumerate() {
        match faults.next_if(|(at, _)| *at == index) {
            Some((_, fault)) => unreadable.push((held, fault)),
            None => readable.push(held),
        }
    }
    (readable, unreadable)
}
