//! A member that shares with nobody: it reads every partition by itself.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::declare;
use super::marks::{Begin, Mark};
use super::member::Member;
use super::state::Place;
use super::topics::ANSWER;
use super::worker::Worker;

impl Worker {
    /// An ephemeral group has no members to share with: it reads every partition, from now on, and new topics from their start.
    pub(super) fn read_new_topics(&mut self, first: bool) {
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

    fn read_also(&mut self, begins: Vec<(Place, Option<Begin>)>) {
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
}
