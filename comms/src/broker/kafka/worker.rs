//! The thread of one member: everything that librdkafka may block on.
//!
//! It serves rebalances, commits what is settled, and leaves the group. Messages don't pass through it: whoever polls the
//! consumer takes them from their partition's queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::declare;
use super::desk::Desk;
use super::gate::{Gate, Step};
use super::headers;
use super::member::Member;
use super::moving::{Moving, places};
use super::state::{Phase, Place, State};
use super::transactor::Transactor;

/// How long the thread waits for librdkafka before it looks after the rest.
pub(super) const ROUND: Duration = Duration::from_millis(25);

/// After so many commits in a row that failed one is told: a rebalance refuses a few.
const REFUSED: u32 = 20;
/// How often what is settled is written out.
const COMMIT: Duration = Duration::from_millis(100);
/// How often everything is committed again: brokers forget offsets that nobody commits for days.
pub(super) const RENEW: Duration = Duration::from_secs(3600);

/// See the module's documentation.
pub(super) struct Worker {
    pub(super) consumer: Arc<BaseConsumer<Gate>>,
    pub(super) gate: Gate,
    pub(super) desk: Arc<Desk>,
    pub(super) member: Arc<Member>,
    pub(super) moving: Option<Moving>,
    /// How often each partition was ours.
    pub(super) tenures: HashMap<Place, u32>,
    committed: Instant,
    pub(super) renewed: Instant,
    pub(super) listed: Instant,
    /// What commits in a transactional subscription.
    pub(super) transactor: Option<Transactor>,
    /// The member as the brokers know it since the last step of a rebalance, for its transactions.
    pub(super) membership: Option<ConsumerGroupMetadata>,
    /// The last transaction failed, at that time.
    pub(super) troubled: Option<Instant>,
    /// How many commits in a row failed before which nothing is delivered.
    refused: u32,
}

/// Starts the thread of a member whose consumer has subscribed.
pub(super) fn start(consumer: BaseConsumer<Gate>, gate: Gate, desk: Arc<Desk>) -> std::io::Result<Arc<Member>> {
    let member = Arc::new(Member::default());
    let now = Instant::now();
    let transactor = desk.subscription.transactional.then(|| Transactor::new(&desk, &member));
    let worker = Worker {
        consumer: Arc::new(consumer),
        gate,
        desk,
        member: Arc::clone(&member),
        moving: None,
        tenures: HashMap::new(),
        committed: now,
        renewed: now,
        listed: now,
        transactor,
        membership: None,
        troubled: None,
        refused: 0,
    };
    std::thread::Builder::new().name("comms-kafka".to_owned()).spawn(move || worker.run())?;
    Ok(member)
}

/// The end of the thread, however it comes.
struct Ended(Arc<Member>, Arc<Desk>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.1.lock().phase = Phase::Gone;
        self.1.waker.wake();
        Member::raise(&self.0.gone, &self.0.ended);
    }
}

impl Worker {
    fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.member), Arc::clone(&self.desk));
        if self.desk.subscription.ephemeral {
            self.read_new_topics(true);
        }
        while !self.is_over() {
            self.serve();
            self.follow_steps();
            if self.gate.take_lost() {
                self.desk.lock().begin_anew();
                self.desk.waker.wake();
            }
            self.finish_moving();
            self.count_in_time();
            self.commit_in_time();
            if self.desk.subscription.ephemeral && self.listed.elapsed() >= self.desk.shared.config.refresh {
                self.read_new_topics(false);
            }
            self.desk.tick();
        }
        self.leave();
    }

    fn is_over(&self) -> bool {
        if self.member.stopping.load(Ordering::Acquire) {
            return true;
        }
        if !self.member.leaving.load(Ordering::Acquire) {
            return false;
        }
        let mut state = self.desk.lock();
        state.phase = Phase::Leaving;
        state.held() == 0
    }

    /// Events; and messages that were fetched before their partition had a queue of its own.
    pub(super) fn serve(&self) {
        match self.consumer.poll(self.pause()) {
            Some(Ok(message)) => {
                let place: Place = (message.topic().into(), message.partition());
                let mut state = self.desk.lock();
                if let Some(tenure) = state.tenures.get_mut(&place) {
                    let read = headers::read(&message, &place.0, &tenure.logical);
                    tenure.stray(read);
                }
                drop(state);
                self.desk.waker.wake();
            }
            Some(Err(error)) => tracing::debug!(%error, group = self.desk.names.group, "consuming"),
            None => {}
        }
    }

    pub(super) fn follow_steps(&mut self) {
        while let Some(step) = self.gate.next_step() {
            self.step(step);
        }
    }

    fn step(&mut self, step: Step) {
        tracing::debug!(?step, group = self.desk.names.group, "a step of a rebalance");
        match step {
            Step::Assign(partitions) => self.assign(&partitions),
            Step::Revoke(partitions) => self.revoke(partitions),
            Step::Lost(partitions) => {
                let partitions = self.with_sides(&partitions);
                self.forget(&places(&partitions));
                (self.moving, self.membership) = (None, None);
                self.unassign(&partitions);
            }
        }
    }

    /// A rebalance may have refused it, when the partitions came.
    fn count_in_time(&mut self) {
        let is_missing = self.desk.lock().tenures.values().any(|tenure| !tenure.counted);
        if is_missing && !self.is_troubled() {
            self.count();
        }
    }

    /// Writes that the next messages may have been delivered, and has them delivered once that is written.
    pub(super) fn count(&mut self) {
        if !self.commit(CommitMode::Sync, Some(self.desk.window()), true) {
            self.refused += 1;
            if self.refused.is_multiple_of(REFUSED) {
                let group = self.desk.names.group.as_str();
                tracing::warn!(
                    group,
                    times = self.refused,
                    "offsets can't be committed: nothing is delivered of new partitions until they are"
                );
            }
            return;
        }
        self.refused = 0;
        self.desk.lock().tenures.values_mut().for_each(|tenure| tenure.counted = true);
        self.desk.waker.wake();
    }

    fn commit_in_time(&mut self) {
        let failed = self.gate.take_commit_failed();
        let renew = self.renewed.elapsed() >= RENEW;
        if failed || renew || self.committed.elapsed() >= COMMIT || self.is_asked_to_commit() {
            self.committed = Instant::now();
            self.commit(CommitMode::Async, Some(self.desk.window()), failed || renew);
        }
        if renew {
            self.renewed = Instant::now();
        }
    }

    /// Commits what changed, or everything. With a window the tenures go on after it. False when it has to be tried again.
    pub(super) fn commit(&mut self, mode: CommitMode, lasts: Option<i64>, all: bool) -> bool {
        if self.transactor.is_some() {
            return self.transact(lasts, all);
        }
        if self.desk.subscription.ephemeral {
            return true;
        }
        let mut offsets = offsets(&mut self.desk.lock(), lasts, all);
        if offsets.count() == 0 {
            return true;
        }
        if self.renewed.elapsed() >= RENEW {
            declare::renew(&mut offsets, &self.desk.subscription, &self.desk.names);
        }
        let committed = self.consumer.commit(&offsets, mode);
        if let Err(error) = &committed {
            tracing::debug!(%error, group = self.desk.names.group, "offsets were not committed");
        }
        committed.is_ok()
    }

    /// Writes out what is settled and leaves the group.
    fn leave(mut self) {
        self.desk.lock().phase = Phase::Gone;
        self.desk.waker.wake();
        self.commit_last();
        self.gate.close();
        let places: Vec<Place> = self.desk.lock().tenures.keys().cloned().collect();
        self.forget(&places);
        // A step that nobody answered would hold up the end.
        if let Some(moving) = &self.moving {
            self.unassign(&moving.partitions);
        }
        while let Some(step) = self.gate.next_step() {
            self.answer(&step);
        }
        if let Some(transactor) = self.transactor.take() {
            // Ending a client takes its time.
            std::thread::spawn(move || drop(transactor));
        }
        // Ends here and not with the last queue, which may be in another thread's hands for a moment.
        drop(self.consumer);
    }

    /// Answers a step that nobody follows any more.
    pub(super) fn answer(&self, step: &Step) {
        let answered = match step {
            Step::Assign(_) => self.consumer.incremental_assign(&TopicPartitionList::new()),
            Step::Revoke(partitions) | Step::Lost(partitions) => self.consumer.incremental_unassign(partitions),
        };
        let _ = answered;
    }
}

/// What to commit of the tenures that changed, or of all.
pub(super) fn offsets(state: &mut State, lasts: Option<i64>, all: bool) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    for tenure in state.tenures.values_mut().filter(|tenure| all || tenure.log.dirty) {
        tenure.log.dirty = false;
        let (offset, mark) = tenure.log.commit(lasts);
        offsets.add_partition(&tenure.topic, tenure.partition).set_metadata(mark.write(offset));
        let _ = offsets.set_partition_offset(&tenure.topic, tenure.partition, Offset::Offset(offset));
    }
    offsets
}
