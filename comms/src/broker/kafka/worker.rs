//! The thread of one member: everything that librdkafka may block on.
//!
//! It serves rebalances, commits what is settled, and leaves the group. Messages don't pass through it: whoever polls the
//! consumer takes them from their partition's queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::Notify;

use super::declare::{self, metadata_of};
use super::desk::{Desk, Phase, Place};
use super::gate::{Gate, Step};
use super::headers;
use super::marks::Mark;
use super::tenure::{Log, Tenure};
use super::topics::ANSWER;
use crate::broker::Shard;

/// How long the thread waits for librdkafka before it looks after the rest.
const ROUND: Duration = Duration::from_millis(25);
/// How often what is settled is written out.
const COMMIT: Duration = Duration::from_millis(100);
/// How often everything is committed again: brokers forget offsets that nobody commits for days.
const RENEW: Duration = Duration::from_secs(3600);

/// A member as the broker sees it.
#[derive(Debug, Default)]
pub(super) struct Member {
    stopping: AtomicBool,
    leaving: AtomicBool,
    gone: AtomicBool,
    ended: Notify,
    assigned: AtomicBool,
    change: Notify,
}

impl Member {
    /// Leaves at once.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Leaves once nothing is in hand.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Once its thread has ended.
    pub(super) async fn gone(&self) {
        Self::once(&self.gone, &self.ended).await;
    }

    /// Once it has partitions.
    pub(super) async fn assigned(&self) {
        Self::once(&self.assigned, &self.change).await;
    }

    async fn once(flag: &AtomicBool, notify: &Notify) {
        loop {
            let notified = notify.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if flag.load(Ordering::Acquire) {
                return;
            }
            notified.await;
        }
    }

    fn raise(flag: &AtomicBool, notify: &Notify) {
        flag.store(true, Ordering::Release);
        notify.notify_waiters();
    }
}

/// Partitions on their way to another member, once nothing of them is in hand.
struct Moving {
    partitions: TopicPartitionList,
    places: Vec<Place>,
    until: Instant,
}

/// See the module's documentation.
pub(super) struct Worker {
    consumer: Arc<BaseConsumer<Gate>>,
    gate: Gate,
    desk: Arc<Desk>,
    member: Arc<Member>,
    moving: Option<Moving>,
    /// How often each partition was ours.
    tenures: HashMap<Place, u32>,
    committed: Instant,
    renewed: Instant,
    listed: Instant,
}

/// Starts the thread of a member whose consumer has subscribed.
pub(super) fn start(consumer: BaseConsumer<Gate>, gate: Gate, desk: Arc<Desk>) -> std::io::Result<Arc<Member>> {
    let member = Arc::new(Member::default());
    let now = Instant::now();
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
            while let Some(step) = self.gate.next_step() {
                self.step(step);
            }
            if self.gate.take_lost() {
                self.desk.lock().begin_anew();
                self.desk.waker.wake();
            }
            self.finish_moving();
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
    fn serve(&self) {
        match self.consumer.poll(ROUND) {
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

    fn step(&mut self, step: Step) {
        match step {
            Step::Assign(partitions) => self.assign(&partitions),
            Step::Revoke(partitions) => self.revoke(partitions),
            Step::Lost(partitions) => {
                let partitions = self.with_sides(&partitions);
                self.forget(&places(&partitions));
                self.moving = None;
                self.unassign(&partitions);
            }
        }
    }

    /// The partitions with what belongs to them: whoever has the first partition of the first topic has the retries, too.
    fn with_sides(&self, partitions: &TopicPartitionList) -> TopicPartitionList {
        let names = &self.desk.names;
        let literal = self.desk.shared.config.topic(self.desk.subscription.topic.as_str());
        let anchor = if self.desk.subscription.topic.is_literal() { Some(literal.as_str()) } else { names.again.as_deref() };
        let mut all = TopicPartitionList::new();
        for found in partitions.elements() {
            all.add_partition(found.topic(), found.partition());
            if Some(found.topic()) == anchor && found.partition() == 0 {
                for topic in names.side_topics().filter(|topic| Some(*topic) != anchor) {
                    all.add_partition(topic, 0);
                }
            }
        }
        all
    }

    fn assign(&mut self, partitions: &TopicPartitionList) {
        let partitions = self.with_sides(partitions);
        let Some(begins) = self.begins(&partitions) else { return };
        let mut offsets = TopicPartitionList::new();
        for (place, begin) in &begins {
            let offset = begin.as_ref().map_or(Offset::Beginning, |(offset, _)| Offset::Offset(*offset));
            let _ = offsets.add_partition_offset(&place.0, place.1, offset);
        }
        if let Err(error) = self.consumer.incremental_assign(&offsets) {
            tracing::warn!(%error, group = self.desk.names.group, "partitions could not be taken");
            return;
        }
        for (place, begin) in begins {
            self.take_over(place, begin);
        }
        // Before anything is delivered: a message that ends this process at once has to be counted.
        self.commit(CommitMode::Sync, Some(self.desk.window()), true);
        if partitions.count() > 0 {
            Member::raise(&self.member.assigned, &self.member.change);
        }
        self.desk.waker.wake();
    }

    /// Where to begin with each partition; waits for the answer. `None` when the member is to stop meanwhile.
    #[allow(clippy::type_complexity, reason = "a partition, and where it begins if that is known")]
    fn begins(&self, partitions: &TopicPartitionList) -> Option<Vec<(Place, Option<(i64, Mark)>)>> {
        loop {
            match self.consumer.committed_offsets(partitions.clone(), ANSWER) {
                Ok(found) => return Some(found.elements().iter().map(|found| self.as_far_as_published(begin(found))).collect()),
                Err(error) => tracing::debug!(%error, group = self.desk.names.group, "where to begin is not known yet"),
            }
            if self.member.stopping.load(Ordering::Acquire) {
                return None;
            }
            std::thread::sleep(ROUND);
        }
    }

    /// What is published from now on nobody can have had before.
    fn as_far_as_published(&self, (place, mut begin): (Place, Option<(i64, Mark)>)) -> (Place, Option<(i64, Mark)>) {
        if let Some((_, mark)) = begin.as_mut().filter(|(_, mark)| mark.dirty > 0)
            && let Ok((_, end)) = self.consumer.fetch_watermarks(&place.0, place.1, ANSWER)
        {
            mark.until = mark.until.min(end);
        }
        (place, begin)
    }

    fn take_over(&mut self, place: Place, begin: Option<(i64, Mark)>) {
        let number = self.tenures.entry(place.clone()).or_default();
        let before = *number;
        *number += 1;
        let shards = self.desk.subscription.order.map(|order| i32::from(order.shards.get()));
        let index = shards.and_then(|shards| u16::try_from(place.1 % shards).ok()).unwrap_or(0);
        let (offset, mark) = begin.unwrap_or_default();
        let queue = self.consumer.split_partition_queue(&place.0, place.1).map(|mut queue| {
            let waker = Arc::clone(&self.desk.waker);
            queue.set_nonempty_callback(move || waker.wake());
            queue
        });
        let logical = self.desk.shared.config.logical(&place.0).map_or_else(|| Arc::clone(&place.0), Into::into);
        let tenure = Tenure::new(place, logical, Shard { index, tenure: before }, before, Log::new(offset, mark), queue);
        self.desk.lock().add(tenure);
    }

    fn revoke(&mut self, partitions: TopicPartitionList) {
        let partitions = self.with_sides(&partitions);
        let places = places(&partitions);
        let mut state = self.desk.lock();
        for place in &places {
            if let Some(tenure) = state.tenures.get_mut(place) {
                tenure.draining = true;
            }
        }
        drop(state);
        let until = Instant::now() + self.desk.shared.config.drain_timeout;
        self.moving = Some(Moving { partitions, places, until });
        self.finish_moving();
    }

    /// Lets partitions go once nothing of them is in hand, or when it takes too long.
    fn finish_moving(&mut self) {
        let Some(moving) = &self.moving else { return };
        let late = Instant::now() >= moving.until;
        if !self.desk.lock().seal(&moving.places, late) {
            return;
        }
        if late {
            tracing::warn!(
                group = self.desk.names.group,
                "partitions move to another member with messages in hand: they are delivered again"
            );
        }
        self.commit(CommitMode::Sync, None, true);
        if let Some(moving) = self.moving.take() {
            self.forget(&moving.places);
            self.unassign(&moving.partitions);
        }
        // What stays is delivered on.
        self.commit(CommitMode::Async, Some(self.desk.window()), true);
    }

    fn forget(&self, places: &[Place]) {
        let mut state = self.desk.lock();
        let gone: Vec<Option<Tenure>> = places.iter().map(|place| state.remove(place)).collect();
        drop(state);
        drop(gone);
        self.desk.waker.wake();
    }

    fn unassign(&self, partitions: &TopicPartitionList) {
        if let Err(error) = self.consumer.incremental_unassign(partitions) {
            tracing::warn!(%error, group = self.desk.names.group, "partitions could not be given up");
        }
    }

    fn commit_in_time(&mut self) {
        let failed = self.gate.take_commit_failed();
        let renew = self.renewed.elapsed() >= RENEW;
        if failed || renew || self.committed.elapsed() >= COMMIT {
            self.committed = Instant::now();
            self.commit(CommitMode::Async, Some(self.desk.window()), failed || renew);
        }
        if renew {
            self.renewed = Instant::now();
        }
    }

    /// Commits what changed, or everything. With a window the tenures go on after it.
    fn commit(&self, mode: CommitMode, lasts: Option<i64>, all: bool) {
        if self.desk.subscription.ephemeral {
            return;
        }
        let mut offsets = TopicPartitionList::new();
        let mut state = self.desk.lock();
        for tenure in state.tenures.values_mut().filter(|tenure| all || tenure.log.dirty) {
            tenure.log.dirty = false;
            let (offset, mark) = tenure.log.commit(lasts);
            offsets.add_partition(&tenure.topic, tenure.partition).set_metadata(mark.write(offset));
            let _ = offsets.set_partition_offset(&tenure.topic, tenure.partition, Offset::Offset(offset));
        }
        drop(state);
        if offsets.count() == 0 {
            return;
        }
        if self.renewed.elapsed() >= RENEW {
            declare::renew(&mut offsets, &self.desk.subscription, &self.desk.names);
        }
        if let Err(error) = self.consumer.commit(&offsets, mode) {
            tracing::debug!(%error, group = self.desk.names.group, "offsets were not committed");
        }
    }

    /// An ephemeral group has no members to share with: it reads every partition, from now on, and new topics from their start.
    fn read_new_topics(&mut self, first: bool) {
        self.listed = Instant::now();
        let subscription = &self.desk.subscription;
        if !first && subscription.topic.is_literal() {
            return;
        }
        let config = &self.desk.shared.config;
        let topic = subscription.topic.is_literal().then(|| config.topic(subscription.topic.as_str()));
        let Ok(metadata) = self.consumer.fetch_metadata(topic.as_deref(), ANSWER) else { return };
        let topics = metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect();
        let mut begins = Vec::new();
        for (topic, partitions) in declare::listened(config, subscription, &topics) {
            for partition in 0..i32::try_from(partitions).unwrap_or(0) {
                let place: Place = (Arc::clone(&topic), partition);
                if self.desk.lock().tenures.contains_key(&place) {
                    continue;
                }
                let end = if first { self.consumer.fetch_watermarks(&topic, partition, ANSWER).ok().map(|(_, end)| end) } else { None };
                begins.push((place, end.map(|end| (end, Mark::default()))));
            }
        }
        self.read_also(begins);
        Member::raise(&self.member.assigned, &self.member.change);
    }

    fn read_also(&mut self, begins: Vec<(Place, Option<(i64, Mark)>)>) {
        if begins.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::new();
        for (place, begin) in &begins {
            let offset = begin.as_ref().map_or(Offset::Beginning, |(offset, _)| Offset::Offset(*offset));
            let _ = offsets.add_partition_offset(&place.0, place.1, offset);
        }
        if let Err(error) = self.consumer.incremental_assign(&offsets) {
            tracing::warn!(%error, "partitions could not be read");
            return;
        }
        for (place, begin) in begins {
            self.take_over(place, begin);
        }
        self.desk.waker.wake();
    }

    /// Writes out what is settled and leaves the group.
    fn leave(self) {
        self.desk.lock().phase = Phase::Gone;
        self.desk.waker.wake();
        self.commit(CommitMode::Sync, None, true);
        self.gate.close();
        let places: Vec<Place> = self.desk.lock().tenures.keys().cloned().collect();
        self.forget(&places);
        // A step that nobody answered would hold up the end.
        if let Some(moving) = &self.moving {
            self.unassign(&moving.partitions);
        }
        while let Some(step) = self.gate.next_step() {
            let answered = match step {
                Step::Assign(_) => self.consumer.incremental_assign(&TopicPartitionList::new()),
                Step::Revoke(partitions) | Step::Lost(partitions) => self.consumer.incremental_unassign(&partitions),
            };
            let _ = answered;
        }
        // Ends here and not with the last queue, which may be in another thread's hands for a moment.
        drop(self.consumer);
    }
}

fn places(partitions: &TopicPartitionList) -> Vec<Place> {
    partitions.elements().iter().map(|found| (found.topic().into(), found.partition())).collect()
}

fn begin(found: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>) -> (Place, Option<(i64, Mark)>) {
    let place: Place = (found.topic().into(), found.partition());
    match found.offset() {
        Offset::Offset(offset) => (place, Some((offset, Mark::read(&metadata_of(found), offset)))),
        _ => (place, None),
    }
}
