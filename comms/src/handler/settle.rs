//! What becomes of a message that waits, fails, or needs the broker before it may be tried.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::AfterDeadLetter;
use super::attempt::{self, Attempt, Failed, TimedOut};
use super::erased::{Bound, ErasedHandler, Slot};
use super::observe::Happening;
use super::plan::Entry;
use super::policy::{self, Verdict};
use super::refuse::{GivenUp, is_replayed, reason};
use super::worker::{Begun, Open, Pipeline};
use crate::broker::{BrokerError, DeadLetter, Delivery, Provenance};
use crate::context::{Context, Outbox, time_left};
use crate::error::{Class, Fault, chain_text};
use crate::message::Envelope;

impl Pipeline {
    /// Goes on until the message is settled, or given back.
    pub(super) async fn settle(&self, open: Open<'_>, slot: &mut Slot) {
        let Open { entry, handler, delivery, begun, .. } = open;
        let Some(delivery) = self.new_to_the_group(entry, delivery).await else { return };
        if let Begun::Refused(given_up) = begun {
            return self.give_up(entry, delivery, given_up).await;
        }
        match self.is_parked(&delivery).await {
            Ok(false) => self.try_until_settled(entry, handler, delivery, begun, slot).await,
            Ok(true) => {
                let given_up = GivenUp::parked(&delivery);
                self.give_up(entry, delivery, given_up).await;
            }
            Err(error) => self.broker_failed(entry, "read the parked keys", &error),
        }
    }

    async fn is_parked(&self, delivery: &Delivery) -> Result<bool, BrokerError> {
        let (Some(parked), Some(key)) = (&self.parked, &delivery.envelope().metadata.key) else { return Ok(false) };
        let (subscription, admin) = (&self.plan.subscription, self.plan.broker.admin());
        parked.learn(delivery.shard(), subscription, admin).await?;
        Ok(!is_replayed(delivery.envelope()) && parked.holds(key, subscription, admin).await?)
    }

    /// Attempt after attempt while the slot is held.
    async fn try_until_settled(&self, entry: &Entry, handler: &dyn ErasedHandler, delivery: Delivery, mut begun: Begun, slot: &mut Slot) {
        let mut attempt = delivery.attempt();
        loop {
            let patience = patience(entry, delivery.envelope());
            let outcome = match mem::replace(&mut begun, Begun::Not) {
                Begun::Failed(failed) => Err(failed),
                Begun::Waiting => attempt::finish(slot, patience).await,
                _ => {
                    let attempt = Attempt::new(self.plan.service, entry, handler, delivery.envelope(), attempt);
                    if entry.decl.transactional {
                        match self.run_in_transaction(&attempt, slot, patience).await {
                            Ok(published) => return self.succeed_with(entry, delivery, published),
                            Err(failed) => Err(failed),
                        }
                    } else {
                        attempt::run(&attempt, slot, patience).await
                    }
                }
            };
            let Err(Failed { is_undecodable, fault }) = outcome else {
                return self.succeed_and_unpark(entry, delivery).await;
            };
            // Timers and deadlines are of different clocks: an attempt that was stopped for its deadline need not be past it.
            let is_stopped_for_it = patience < entry.decl.timeout && fault.error.is::<TimedOut>();
            if is_stopped_for_it || is_expired(delivery.envelope()) {
                let given_up = GivenUp::expired(delivery.envelope(), fault, attempt);
                return self.give_up(entry, delivery, given_up).await;
            }
            let reason = match fault.class {
                _ if is_undecodable => reason::UNDECODABLE,
                Class::Permanent => reason::PERMANENT,
                _ => reason::FAILED,
            };
            match policy::decide(&entry.decl.retry, self.plan.retries_in_place(), attempt, &fault) {
                Verdict::GiveUp => return self.give_up(entry, delivery, GivenUp { reason, fault, attempts: attempt }).await,
                Verdict::Later(delay) => return self.retry_later(entry, delivery, attempt, delay, &fault).await,
                Verdict::Again(delay) => {
                    self.report_retry(entry, &delivery, attempt, delay, &fault);
                    if !self.wait(delay).await {
                        return delivery.release();
                    }
                }
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// Makes the attempt, and returns what it published. What a failed one published was never sent.
    async fn run_in_transaction(&self, attempt: &Attempt<'_>, slot: &mut Slot, patience: Duration) -> Result<Vec<Arc<Envelope>>, Failed> {
        let outbox = Outbox::new(attempt.handler_name(), self.plan.broker.identity());
        let context = Context::current().with_outbox(Arc::clone(&outbox));
        let outcome = context.scope(attempt::run(attempt, slot, patience)).await;
        // In any case: a task that goes on has nothing to add to.
        let published = outbox.close();
        outcome.map(|()| published)
    }

    /// The message was handled, and what was published meanwhile goes along with its settlement.
    fn succeed_with(&self, entry: &Entry, delivery: Delivery, published: Vec<Arc<Envelope>>) {
        self.report(entry.decl.name, delivery.envelope(), Happening::Handled);
        delivery.commit(published);
    }

    /// Waits between two attempts; `false` when shutdown began.
    pub(super) async fn wait(&self, delay: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.stopping.cancelled() => false,
        }
    }

    /// The last of a parked key's letters frees the key.
    async fn succeed_and_unpark(&self, entry: &Entry, delivery: Delivery) {
        let replayed = self.parked.as_ref().filter(|_| is_replayed(delivery.envelope())).zip(delivery.envelope().metadata.key.clone());
        self.succeed_for_the_group(entry, delivery).await;
        if let Some((parked, key)) = replayed
            && let Err(error) = parked.unpark_if_empty(&key, &self.plan.subscription, self.plan.broker.admin()).await
        {
            self.broker_failed(entry, "look for further parked messages of the key", &error);
        }
    }

    pub(super) async fn retry_later(&self, entry: &Entry, delivery: Delivery, attempt: u32, delay: Duration, fault: &Fault) {
        self.report_retry(entry, &delivery, attempt, delay, fault);
        let again = with_attempts(delivery.envelope(), attempt);
        if let Err(error) = delivery.retry(again, delay).await {
            self.broker_failed(entry, "hand the message back for a later attempt", &error);
        }
    }

    pub(super) async fn give_up(&self, entry: &Entry, delivery: Delivery, given_up: GivenUp) {
        let envelope = Arc::clone(delivery.envelope());
        let error = given_up.fault.to_string();
        let waited_for = match &entry.handler {
            Bound::One(handler) => handler.answer_failure(&envelope, &given_up.fault),
            Bound::Batch(_) => None,
        };
        let settled = match waited_for {
            Some(answer) => answer.await.map(|()| delivery.ack()),
            None => self.dead_letter(entry, delivery, &given_up).await,
        };
        match settled {
            Ok(()) => {
                tracing::error!(reason = given_up.reason, attempts = given_up.attempts, error = %error, "message given up");
                self.report(entry.decl.name, &envelope, Happening::DeadLettered { reason: given_up.reason, error });
            }
            Err(error) => self.broker_failed(entry, "move the message to the dead letters", &error),
        }
    }

    async fn dead_letter(&self, entry: &Entry, delivery: Delivery, given_up: &GivenUp) -> Result<(), BrokerError> {
        let envelope = with_attempts(delivery.envelope(), given_up.attempts);
        let key = envelope.metadata.key.clone();
        let letter = DeadLetter::new(Arc::clone(&envelope), self.provenance(entry, &envelope, given_up));
        delivery.dead_letter(letter).await?;
        if let (Some(parked), Some(key), AfterDeadLetter::ParkKey) = (&self.parked, key, self.plan.after) {
            parked.park(&key);
        }
        Ok(())
    }

    fn provenance(&self, entry: &Entry, envelope: &Envelope, given_up: &GivenUp) -> Provenance {
        let now = Timestamp::now();
        Provenance {
            topic: envelope.topic.to_string(),
            group: self.plan.subscription.group.clone(),
            service: self.plan.service.to_owned(),
            handler: entry.decl.name.to_owned(),
            reason: given_up.reason.to_owned(),
            class: given_up.fault.class,
            errors: chain_text(given_up.fault.error.as_ref()),
            attempts: given_up.attempts,
            first_seen: envelope.metadata.time.unwrap_or(now),
            given_up: now,
        }
    }

    pub(super) fn report_retry(&self, entry: &Entry, delivery: &Delivery, attempt: u32, delay: Duration, fault: &Fault) {
        tracing::warn!(attempt, ?delay, class = %fault.class, error = %fault, "attempt failed");
        self.report(entry.decl.name, delivery.envelope(), Happening::Retried { attempt, delay, error: fault.to_string() });
    }

    /// The delivery was released by its drop: the message comes again.
    pub(super) fn broker_failed(&self, entry: &Entry, attempted: &str, error: &BrokerError) {
        tracing::error!(handler = entry.decl.name, error = %error, "could not {attempted}; the message is delivered again");
    }
}

/// How long an attempt may take: as the handler says, and no longer than somebody waits for what comes of it.
fn patience(entry: &Entry, envelope: &Envelope) -> Duration {
    envelope.metadata.deadline.map_or(entry.decl.timeout, |deadline| time_left(deadline).min(entry.decl.timeout))
}

pub(super) fn is_expired(envelope: &Envelope) -> bool {
    envelope.metadata.deadline.is_some_and(|deadline| time_left(deadline).is_zero())
}

/// The same message, with the count of attempts that have been made.
fn with_attempts(envelope: &Arc<Envelope>, attempts: u32) -> Arc<Envelope> {
    let mut again = Envelope::clone(envelope);
    again.metadata.attempt = attempts;
    Arc::new(again)
}
