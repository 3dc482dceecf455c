//! What one worker does with one delivery: the inbound pipeline, from the lookup of the type to the settlement.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::attempt;
use super::dedup::DedupWindow;
use super::erased::Slot;
use super::intake::Intake;
use super::observe::{Happening, Observed};
use super::parked::ParkedKeys;
use super::plan::{Entry, Plan};
use super::policy::{self, Verdict};
use super::{AfterDeadLetter, Incoming, Outcome};
use crate::broker::{BrokerError, DeadLetter, Delivery, Provenance, REPLAYED};
use crate::context::Context;
use crate::error::{Class, Fault, chain_text};
use crate::message::Envelope;

/// One subscription at work; shared by its workers.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) plan: Plan,
    pub(crate) intake: Intake,
    pub(crate) dedup: Option<DedupWindow>,
    pub(crate) parked: Option<ParkedKeys>,
    /// Cancelled when shutdown begins: waits between attempts end, their messages go back.
    pub(crate) stopping: CancellationToken,
}

/// Why a message is given up, in the words of [`Provenance::reason`].
mod reason {
    pub(super) const FAILED: &str = "failed";
    pub(super) const PERMANENT: &str = "permanent";
    pub(super) const UNDECODABLE: &str = "undecodable";
    pub(super) const NEWER_VERSION: &str = "newer-version";
    pub(super) const OLDER_VERSION: &str = "older-version";
    pub(super) const CRASHED: &str = "crashed";
    pub(super) const PARKED: &str = "parked";
    pub(super) const EXPIRED: &str = "expired";
}

/// A message that is given up.
struct GivenUp {
    reason: &'static str,
    fault: Fault,
    attempts: u32,
}

impl Pipeline {
    /// Takes deliveries until the intake closes.
    pub(crate) async fn work(self: Arc<Self>, worker: usize, mut slot: Slot) {
        while let Some(delivery) = self.intake.next(worker).await {
            self.plan.counters.in_flight.fetch_add(1, Ordering::Relaxed);
            let key = self.plan.ordered().then(|| delivery.envelope().metadata.key.clone()).flatten();
            self.take(delivery, &mut slot).await;
            if let Some(key) = key {
                self.intake.settled(&key);
            }
            self.plan.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
            // A full queue must not keep the thread from everybody else.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Looks the handler up; what has none was never named by the subscription.
    async fn take(&self, delivery: Delivery, slot: &mut Slot) {
        match self.plan.handlers.get(delivery.envelope().metadata.name.as_ref()) {
            None => {
                self.report("", delivery.envelope(), Happening::Skipped);
                delivery.ack();
            }
            Some(entry) => {
                let span = self.span(entry, &delivery);
                if span.is_disabled() {
                    self.handle(entry, delivery, slot).await;
                } else {
                    self.handle(entry, delivery, slot).instrument(span).await;
                }
            }
        }
    }

    fn span(&self, entry: &Entry, delivery: &Delivery) -> tracing::Span {
        let metadata = &delivery.envelope().metadata;
        tracing::info_span!(
            "process",
            otel.kind = "consumer",
            messaging.system = self.plan.broker.scheme(),
            messaging.operation.type = "process",
            messaging.destination.name = %delivery.envelope().topic,
            messaging.consumer.group.name = %self.plan.subscription.group,
            messaging.message.id = %metadata.id,
            correlation_id = %metadata.correlation.as_ref().unwrap_or(&metadata.id),
            trace_id = metadata.trace.map(|trace| tracing::field::display(format!("{:032x}", trace.trace_id()))),
            comms.service = self.plan.service,
            comms.handler = entry.decl.name,
            comms.attempt = delivery.attempt(),
        )
    }

    async fn handle(&self, entry: &Entry, delivery: Delivery, slot: &mut Slot) {
        let id = &delivery.envelope().metadata.id;
        if self.dedup.as_ref().is_some_and(|window| window.contains(id)) && !is_replayed(delivery.envelope()) {
            self.report(entry.decl.name, delivery.envelope(), Happening::Duplicate);
            return delivery.ack();
        }
        let mut refused = Self::refuse(entry, &delivery);
        if self.parked.is_some() && refused.is_none() {
            refused = match self.refuse_parked(&delivery).await {
                Ok(refused) => refused,
                Err(error) => return self.broker_failed(entry, "read the parked keys", &error),
            };
        }
        match refused {
            None => self.try_until_settled(entry, delivery, slot).await,
            Some(given_up) => self.give_up(entry, delivery, given_up).await,
        }
    }

    /// What is given up without an attempt.
    fn refuse(entry: &Entry, delivery: &Delivery) -> Option<GivenUp> {
        let metadata = &delivery.envelope().metadata;
        let attempt = delivery.attempt();
        let refused = |reason, text: String| Some(GivenUp { reason, fault: Fault::new(Class::Permanent, text), attempts: attempt - 1 });
        if metadata.version > entry.version {
            return refused(
                reason::NEWER_VERSION,
                format!(
                    "the message is version {} of `{}`, this service knows version {}: deploy a newer one, then replay",
                    metadata.version, metadata.name, entry.version
                ),
            );
        }
        if metadata.version < entry.version {
            return refused(
                reason::OLDER_VERSION,
                format!(
                    "the message is version {} of `{}`, this service knows only version {}",
                    metadata.version, metadata.name, entry.version
                ),
            );
        }
        if metadata.deadline.is_some_and(|deadline| deadline < Timestamp::now()) {
            return refused(
                reason::EXPIRED,
                format!("the deadline {} is over: nobody waits for the result", metadata.deadline.unwrap_or_default()),
            );
        }
        if !policy::may_try(&entry.decl.retry, attempt) {
            return refused(
                reason::CRASHED,
                format!(
                    "{} earlier attempts ended without a result: the process was killed, or lost its connection, while it handled this message",
                    attempt - 1
                ),
            );
        }
        None
    }

    /// What is given up because an earlier message of its key was.
    async fn refuse_parked(&self, delivery: &Delivery) -> Result<Option<GivenUp>, BrokerError> {
        let is_parked = self.is_parked(delivery).await?;
        Ok(is_parked.then(|| GivenUp {
            reason: reason::PARKED,
            fault: Fault::new(
                Class::Permanent,
                "an earlier message of this key is among the dead letters: replay the key's letters in order".to_owned(),
            ),
            attempts: delivery.attempt() - 1,
        }))
    }

    async fn is_parked(&self, delivery: &Delivery) -> Result<bool, BrokerError> {
        let (Some(parked), Some(key)) = (&self.parked, &delivery.envelope().metadata.key) else { return Ok(false) };
        self.intake.wake_another();
        parked.learn(delivery.shard(), &self.plan.subscription, self.plan.broker.admin()).await?;
        Ok(parked.contains(key) && !is_replayed(delivery.envelope()))
    }

    /// Attempt after attempt while the slot is held.
    async fn try_until_settled(&self, entry: &Entry, delivery: Delivery, slot: &mut Slot) {
        let mut attempt = delivery.attempt();
        loop {
            let Err(fault) = self.attempt(entry, &delivery, attempt, slot).await else {
                return self.succeed(entry, delivery).await;
            };
            let reason = if fault.is_undecodable {
                reason::UNDECODABLE
            } else if fault.fault.class == Class::Permanent {
                reason::PERMANENT
            } else {
                reason::FAILED
            };
            let fault = fault.fault;
            match policy::decide(&entry.decl.retry, self.plan.ordered(), attempt, fault.class) {
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

    async fn attempt(&self, entry: &Entry, delivery: &Delivery, attempt: u32, slot: &mut Slot) -> Result<(), Failed> {
        let envelope = delivery.envelope();
        let incoming = Incoming { envelope: Arc::clone(envelope), service: self.plan.service, handler: entry.decl.name, attempt };
        let context = Context::of(Arc::clone(envelope));
        entry
            .handler
            .start(incoming, context, slot)
            .map_err(|error| Failed { is_undecodable: true, fault: Fault::new(Class::Permanent, error) })?;
        let outcome: Outcome = attempt::run(slot, entry.decl.timeout, || self.intake.wake_another()).await;
        outcome.map_err(|fault| Failed { is_undecodable: false, fault })
    }

    /// Waits between two attempts; `false` when shutdown began.
    async fn wait(&self, delay: Duration) -> bool {
        // This worker stops polling: without another, nobody would hear of what arrives meanwhile.
        self.intake.wake_another();
        tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.stopping.cancelled() => false,
        }
    }

    async fn succeed(&self, entry: &Entry, delivery: Delivery) {
        if let Some(window) = &self.dedup {
            window.mark(&delivery.envelope().metadata.id);
        }
        self.report(entry.decl.name, delivery.envelope(), Happening::Handled);
        let replayed = self.parked.as_ref().filter(|_| is_replayed(delivery.envelope())).zip(delivery.envelope().metadata.key.clone());
        delivery.ack();
        if replayed.is_some() {
            self.intake.wake_another();
        }
        if let Some((parked, key)) = replayed
            && let Err(error) = parked.unpark_if_empty(&key, &self.plan.subscription, self.plan.broker.admin()).await
        {
            self.broker_failed(entry, "look for further parked messages of the key", &error);
        }
    }

    async fn retry_later(&self, entry: &Entry, delivery: Delivery, attempt: u32, delay: Duration, fault: &Fault) {
        self.report_retry(entry, &delivery, attempt, delay, fault);
        let again = with_attempts(delivery.envelope(), attempt);
        self.intake.wake_another();
        if let Err(error) = delivery.retry(again, delay).await {
            self.broker_failed(entry, "hand the message back for a later attempt", &error);
        }
    }

    async fn give_up(&self, entry: &Entry, delivery: Delivery, given_up: GivenUp) {
        self.intake.wake_another();
        let envelope = Arc::clone(delivery.envelope());
        let error = given_up.fault.to_string();
        let settled = match entry.handler.answer_failure(&envelope, &given_up.fault) {
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

    fn report_retry(&self, entry: &Entry, delivery: &Delivery, attempt: u32, delay: Duration, fault: &Fault) {
        tracing::warn!(attempt, ?delay, class = %fault.class, error = %fault, "attempt failed");
        self.report(entry.decl.name, delivery.envelope(), Happening::Retried { attempt, delay, error: fault.to_string() });
    }

    fn report(&self, handler: &'static str, envelope: &Arc<Envelope>, happening: Happening) {
        self.plan.counters.count(&happening);
        if let Some(observer) = &self.plan.observer {
            let group = self.plan.subscription.group.as_str().into();
            observer.observe(Observed { group, handler, envelope: Arc::clone(envelope), happening });
        }
    }

    /// The delivery was released by its drop: the message comes again.
    fn broker_failed(&self, entry: &Entry, attempted: &str, error: &BrokerError) {
        tracing::error!(handler = entry.decl.name, error = %error, "could not {attempted}; the message is delivered again");
    }
}

/// An attempt that failed.
struct Failed {
    is_undecodable: bool,
    fault: Fault,
}

fn is_replayed(envelope: &Envelope) -> bool {
    envelope.metadata.extensions.contains_key(REPLAYED)
}

/// The same message, with the count of attempts that have been made.
fn with_attempts(envelope: &Arc<Envelope>, attempts: u32) -> Arc<Envelope> {
    let mut again = Envelope::clone(envelope);
    again.metadata.attempt = attempts;
    Arc::new(again)
}
