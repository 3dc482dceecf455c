//! In which order one publisher publishes over several partitions.
//!
//! Kafka orders the messages of one partition. A publisher that waits for each confirmation before it publishes the next
//! message expects more: who reads both partitions should see them in that order. So the first message after a pause names
//! what was confirmed last in the other partitions, and a consumer that reads those too does not overtake it.
//!
//! While messages are on their way, those without a key stay with one partition: that is their order, and makes full batches.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

/// How many partitions a message looks back at.
const LINKS: usize = 4;
/// Older confirmations have been read by everybody who keeps up.
const RECENT: Duration = Duration::from_secs(10);
/// After so many messages without a pause the next partition has its turn; between the two the order is not kept.
const LONGEST_RUN: u32 = 1000;

/// A place in a partition that has to be passed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// Where the messages of a publisher went.
#[derive(Debug, Default)]
pub(super) struct Trail {
    in_flight: usize,
    cursors: HashMap<Arc<str>, Cursor>,
    /// The newest first; one for each partition.
    recent: VecDeque<(Link, Instant)>,
}

#[derive(Debug)]
struct Cursor {
    partition: i32,
    in_flight: usize,
    run: u32,
}

impl Trail {
    /// The partition for a message without a key.
    pub(super) fn partition(&mut self, topic: &Arc<str>, partitions: usize) -> i32 {
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX).max(1);
        let start = || Cursor { partition: rand::rng().random_range(0..partitions), in_flight: 0, run: 0 };
        let cursor = self.cursors.entry(Arc::clone(topic)).or_insert_with(start);
        if cursor.in_flight == 0 || cursor.run >= LONGEST_RUN {
            cursor.partition = (cursor.partition + 1) % partitions;
            cursor.run = 0;
        }
        cursor.run += 1;
        cursor.partition
    }

    /// What has to be read before a message for this place, as text; nothing while others are on their way.
    pub(super) fn links(&mut self, topic: &str, partition: Option<i32>) -> String {
        let mut text = String::new();
        if self.in_flight > 0 {
            return text;
        }
        self.recent.retain(|(_, at)| at.elapsed() < RECENT);
        let others = self.recent.iter().map(|(link, _)| link).filter(|link| *link.topic != *topic || Some(link.partition) != partition);
        for link in others {
            let name = if *link.topic == *topic { "" } else { &link.topic };
            let separator = if text.is_empty() { "" } else { "," };
            let _ = write!(text, "{separator}{name}/{}/{}", link.partition, link.offset);
        }
        text
    }

    /// A message is on its way.
    pub(super) fn sent(&mut self, topic: &Arc<str>) {
        self.in_flight += 1;
        if let Some(cursor) = self.cursors.get_mut(topic) {
            cursor.in_flight += 1;
        }
    }

    /// It arrived there, or failed.
    pub(super) fn landed(&mut self, topic: &Arc<str>, place: Option<(i32, i64)>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(cursor) = self.cursors.get_mut(topic) {
            cursor.in_flight = cursor.in_flight.saturating_sub(1);
        }
        let Some((partition, offset)) = place.filter(|(_, offset)| *offset >= 0) else { return };
        self.recent.retain(|(link, _)| link.topic != *topic || link.partition != partition);
        self.recent.push_front((Link { topic: Arc::clone(topic), partition, offset }, Instant::now()));
        self.recent.truncate(LINKS);
    }
}

/// Reads what [`Trail::links`] wrote into a message of this topic; what is none is left out.
pub(super) fn read(text: &str, topic: &Arc<str>) -> Vec<Link> {
    let link = |item: &str| {
        let mut parts = item.split('/');
        let (name, partition, offset) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Link { topic: if name.is_empty() { Arc::clone(topic) } else { name.into() }, partition, offset })
    };
    text.split(',').take(LINKS).filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_pause_a_message_names_what_came_before_elsewhere() {
        let (mut trail, a, b) = (Trail::default(), Arc::<str>::from("a"), Arc::<str>::from("b"));
        trail.sent(&a);
        trail.landed(&a, Some((0, 17)));
        trail.sent(&b);
        trail.landed(&b, Some((3, 5)));
        let text = trail.links("a", Some(1));
        assert_eq!(text, "b/3/5,/0/17");
        let link = |topic: &Arc<str>, partition, offset| Link { topic: Arc::clone(topic), partition, offset };
        assert_eq!(read(&text, &a), [link(&b, 3, 5), link(&a, 0, 17)]);
        assert_eq!(trail.links("a", Some(0)), "b/3/5", "its own partition is in order anyway");
        trail.sent(&a);
        assert_eq!(trail.links("a", Some(1)), "", "what is on its way has no place yet");
        assert!(read("x,,a/1,/b/c,//", &a).is_empty());
    }

    #[test]
    fn without_a_key_a_pause_moves_on_and_a_burst_stays() {
        let (mut trail, topic) = (Trail::default(), Arc::<str>::from("t"));
        let first = trail.partition(&topic, 4);
        trail.sent(&topic);
        assert_eq!(trail.partition(&topic, 4), first);
        trail.landed(&topic, Some((first, 0)));
        assert_eq!(trail.partition(&topic, 4), (first + 1) % 4);
        trail.sent(&topic);
        let burst: Vec<i32> = (0..1100).map(|_| trail.partition(&topic, 4)).collect();
        assert_eq!(burst.iter().filter(|&&partition| partition == (first + 1) % 4).count(), 999);
    }
}
