//! Partitions that come to a member, and that go to another one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::marks::{Begin, begin, is_known};
use super::member::Member;
use super::state::Place;
use super::tenure::{Log, Tenure};
use super::topics::ANSWER;
use super::worker::{ROUND, Worker};
use crate::broker::Shard;

/// Partitions on their way to another member, once nothing of them is in hand.
pub(super) struct Moving {
    pub(super) partitions: TopicPartitionList,
    places: Vec<Place>,
    until: Instant,
}

impl Worker {
    /// The partitions with what belongs to them: whoever has the first partition of the first topic has the retries, too.
    pub(super) fn with_sides(&self, partitions: &TopicPartitionList) -> TopicPartitionList {
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

    pub(super) fn assign(&mut self, partitions: &TopicPartitionList) {
        // Before the step is answered.
        self.learn_membership();
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
        self.count();
        if partitions.count() > 0 {
            Member::raise(&self.member.assigned, &self.member.change);
        }
        self.desk.waker.wake();
    }

    /// Where to begin with each partition; waits for the answer. `None` when the member is to stop meanwhile.
    fn begins(&self, partitions: &TopicPartitionList) -> Option<Vec<(Place, Option<Begin>)>> {
        loop {
            match self.consumer.committed_offsets(partitions.clone(), ANSWER) {
                // While a transaction is open that a predecessor has begun, nobody knows.
                Ok(found) if is_known(&found) => {
                    return Some(found.elements().iter().map(begin).map(|begin| self.as_far_as_published(begin)).collect());
                }
                Ok(_) => tracing::debug!(group = self.desk.names.group, "where to begin is not known yet: a transaction is open"),
                Err(error) => tracing::debug!(%error, group = self.desk.names.group, "where to begin is not known yet"),
            }
            if self.member.stopping.load(Ordering::Acquire) {
                return None;
            }
            std::thread::sleep(ROUND);
        }
    }

    /// What is published from now on nobody can have had before.
    fn as_far_as_published(&self, (place, mut begin): (Place, Option<Begin>)) -> (Place, Option<Begin>) {
        if let Some((_, mark)) = begin.as_mut().filter(|(_, mark)| mark.dirty > 0)
            && let Ok((_, end)) = self.consumer.fetch_watermarks(&place.0, place.1, ANSWER)
        {
            mark.until = mark.until.min(end);
        }
        (place, begin)
    }

    pub(super) fn take_over(&mut self, place: Place, begin: Option<Begin>) {
        let number = self.tenures.entry(place.clone()).or_default();
        let before = *number;
        *number += 1;
        let shards = self.desk.subscription.order.map(|order| i32::from(order.shards.get()));
        let index = shards.and_then(|shards| u16::try_from(place.1 % shards).ok()).unwrap_or(0);
        let (offset, mark) = begin.unwrap_or_default();
        let queue = self.consumer.split_partition_queue(&place.0, place.1);
        let waker = Arc::clone(&self.desk.waker);
        let logical = self.desk.shared.config.logical(&place.0).map_or_else(|| Arc::clone(&place.0), Into::into);
        let mut tenure =
            Tenure::new(place, logical, Shard { index, tenure: before }, before, Log::new(offset, mark), queue, move || waker.wake());
        // Of those nothing is written, nor counted.
        tenure.counted = self.desk.subscription.ephemeral;
        self.desk.lock().add(tenure);
    }

    pub(super) fn revoke(&mut self, partitions: TopicPartitionList) {
        if self.membership.is_some() {
            self.learn_membership();
        }
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
    pub(super) fn finish_moving(&mut self) {
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
        if !self.commit(CommitMode::Sync, None, true) && self.transactor.is_some() && !late {
            return;
        }
        if let Some(moving) = self.moving.take() {
            self.forget(&moving.places);
            self.unassign(&moving.partitions);
        }
        // What stays is delivered on.
        self.commit(CommitMode::Async, Some(self.desk.window()), true);
    }

    pub(super) fn forget(&self, places: &[Place]) {
        let mut state = self.desk.lock();
        let gone: Vec<Option<Tenure>> = places.iter().map(|place| state.remove(place)).collect();
        drop(state);
        drop(gone);
        self.desk.waker.wake();
    }

    pub(super) fn unassign(&self, partitions: &TopicPartitionList) {
        if let Err(error) = self.consumer.incremental_unassign(partitions) {
            tracing::warn!(%error, group = self.desk.names.group, "partitions could not be given up");
        }
    }
}

pub(super) fn places(partitions: &TopicPartitionList) -> Vec<Place> {
    partitions.elements().iter().map(|found| (found.topic().into(), found.partition())).collect()
}
