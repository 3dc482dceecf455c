//! A member's thread where it commits by transactions: docs/adr/0010-kafka-transactions.md.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::ended::Ended;
use super::moving::places;
use super::state::{Phase, Place};
use super::transactor::{LAST, Load, Outcome};
use super::worker::{RENEW, ROUND, Worker, offsets};
use super::{consumer, declare};

/// What is between a transaction that failed and the next one.
const AGAIN: Duration = Duration::from_millis(100);

impl Worker {
    /// How long to wait for librdkafka: what has ended is waited for instead, if it is to be committed.
    pub(super) fn pause(&self) -> Duration {
        if self.transactor.is_none() || self.is_troubled() {
            return ROUND;
        }
        self.desk.await_ended(ROUND);
        Duration::ZERO
    }

    pub(super) fn is_troubled(&self) -> bool {
        self.troubled.is_some_and(|at| at.elapsed() < AGAIN)
    }

    /// What a rebalance aborts is made again once the brokers know the member under its new name: the steps go on until then.
    pub(super) fn commit_last(&mut self) {
        let until = Instant::now() + LAST;
        while !self.commit(CommitMode::Sync, None, true) && self.transactor.is_some() && Instant::now() < until {
            self.serve();
            self.follow_steps();
            self.finish_moving();
        }
    }

    /// Whether something waits for the next transaction.
    pub(super) fn is_asked_to_commit(&self) -> bool {
        self.transactor.is_some() && !self.is_troubled() && self.desk.has_ended()
    }

    /// Makes one transaction of everything that has ended well, and of the offsets that follow. False when it has to be made again.
    pub(super) fn transact(&mut self, lasts: Option<i64>, all: bool) -> bool {
        let load = self.load(lasts, all);
        if load.offsets.count() == 0 && load.ended.is_empty() {
            return true;
        }
        self.renew_charter();
        let outcome = match (&mut self.transactor, &self.membership) {
            (Some(transactor), Some(member)) => transactor.make(&load, member),
            // It has lost its place, and what it had in hand is dropped as soon as it is told so.
            _ => Outcome::Aborted(BTreeSet::new()),
        };
        tracing::debug!(
            ?outcome,
            messages = load.ended.len(),
            offsets = load.offsets.count(),
            group = self.desk.names.group,
            "a transaction"
        );
        self.troubled = (outcome != Outcome::Committed).then(Instant::now);
        match outcome {
            Outcome::Committed => self.desk.committed(&load.ended),
            Outcome::Aborted(refused) => self.keep(&load, &refused),
            // Who leaves does not ask, and must not make it again.
            Outcome::Unknown if self.desk.lock().phase == Phase::Gone => self.let_go(),
            Outcome::Unknown => self.join_anew(),
        }
        self.troubled.is_none()
    }

    /// Keeps the name under which the brokers know the member since this step of a rebalance: they refuse the offsets of one that is
    /// behind its group. A member that has lost its place has an empty name, under which they would take anything from it; it is lost
    /// before it can be asked for that, and once the step is answered it does not say so any more. So it is asked here only.
    pub(super) fn learn_membership(&mut self) {
        if self.transactor.is_some() {
            self.membership = self.consumer.group_metadata().filter(|_| !self.consumer.assignment_lost());
        }
    }

    /// Nobody knows what is committed: the member leaves and comes again, and reads on from what is found then. What was in hand is
    /// delivered again.
    fn join_anew(&mut self) {
        let (shared, names) = (Arc::clone(&self.desk.shared), &self.desk.names);
        tracing::warn!(group = names.group, "what became of a transaction is not known: the member joins its group anew, and asks");
        self.let_go();
        self.gate.close();
        while let Some(step) = self.gate.next_step() {
            self.answer(&step);
        }
        while !self.member.stopping.load(Ordering::Acquire) {
            match consumer::join(&shared, &self.desk.subscription, &self.desk.names) {
                Ok((consumer, gate)) => {
                    self.gate = gate;
                    // The old one leaves the group now.
                    drop(std::mem::replace(&mut self.consumer, Arc::new(consumer)));
                    return;
                }
                Err(error) => tracing::warn!(%error, "the member could not join its group anew; it tries again"),
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Nothing of what is in hand is this member's any more.
    fn let_go(&mut self) {
        (self.moving, self.membership) = (None, None);
        let places: Vec<Place> = self.desk.lock().tenures.keys().cloned().collect();
        self.forget(&places);
    }

    /// The offsets, and what goes with them, of one moment.
    fn load(&self, lasts: Option<i64>, all: bool) -> Load {
        let mut state = self.desk.lock();
        Load { offsets: offsets(&mut state, lasts, all), ended: state.ended.iter().cloned().collect() }
    }

    /// For the next transaction, but for what can't be sent.
    fn keep(&self, load: &Load, refused: &BTreeSet<usize>) {
        let mut state = self.desk.lock();
        for place in places(&load.offsets) {
            if let Some(tenure) = state.tenures.get_mut(&place) {
                tenure.log.dirty = true;
            }
        }
        drop(state);
        let refused: Vec<Arc<Ended>> = refused.iter().filter_map(|number| load.ended.get(*number)).cloned().collect();
        if !refused.is_empty() {
            self.desk.undo(&refused);
        }
    }

    /// Not in a transaction: who declares the group has to be able to read it at any time.
    fn renew_charter(&mut self) {
        if self.renewed.elapsed() < RENEW {
            return;
        }
        let mut charter = TopicPartitionList::new();
        declare::renew(&mut charter, &self.desk.subscription, &self.desk.names);
        if let Err(error) = self.consumer.commit(&charter, CommitMode::Async) {
            tracing::debug!(%error, group = self.desk.names.group, "the charter was not renewed");
        }
    }
}
