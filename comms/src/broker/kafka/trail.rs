//! In which order one publisher publishes over several partitions.
//!
//! Kafka orders the messages of one partition. A publisher that waits for each confirmation before it publishes the next
//! message expects more: who reads both partitions should see them in that order. So the first message after a pause names
//! what was confirmed last in the other partitions, and a consumer that reads those too does not overtake it.
//!
//! While messages are on their way, those without a key stay with one partition: that is their order, and makes full batches.
//! Whichever is the first in another partition follows a pause of the topic, though others use the connection: it names the
//! partition that was left, and those behind it are behind what it names.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

/// How many partitions a message looks back at.
const LINKS: usize = 4;
/// What is older may have been deleted, and whoever keeps up has read it.
const RECENT: Duration = Duration::from_secs(3600);
/// After so many messages without a pause the next partition has its turn; between the two the order is not kept.
const LONGEST_RUN: u32 = 1000;

/// Which partition of its topic a message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// The one of its key.
    ByKey,
    /// One of so many, whichever has its turn when the message is sent.
    InTurn(usize),
    /// This one.
    Fixed(i32),
}

impl Destination {
    /// Where a message with this key goes, or without one.
    pub(super) const fn of(key: Option<&Vec<u8>>, partitions: usize) -> Self {
        if key.is_some() { Self::ByKey } else { Self::InTurn(partitions) }
    }

    /// The partition, where it is known beforehand.
    pub(super) const fn fixed(self) -> Option<i32> {
        if let Self::Fixed(partition) = self { Some(partition) } else { None }
    }
}

/// What a message is sent with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// The producer finds it by the key when there is none.
    pub(super) partition: Option<i32>,
    /// What has to be read before, as text.
    pub(super) links: String,
}

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

/// Where the messages of a topic go that have no key.
#[derive(Debug)]
struct Cursor {
    partition: i32,
    in_flight: usize,
    run: u32,
    /// The run began after a pause, and nothing of it is confirmed yet: its first message may fail, and the others are to be behind
    /// what it named.
    is_fresh: bool,
    /// What was confirmed last.
    last: Option<(Link, Instant)>,
}

impl Cursor {
    fn anywhere(partitions: i32) -> Self {
        Self { partition: rand::rng().random_range(0..partitions), in_flight: 0, run: 0, is_fresh: false, last: None }
    }

    /// Enters the next message.
    fn step(&mut self, partitions: i32) {
        let paused = self.in_flight == 0;
        if paused || self.run >= LONGEST_RUN {
            self.partition = (self.partition + 1) % partitions;
            self.run = 0;
            self.is_fresh = paused;
        }
        self.run += 1;
        self.in_flight += 1;
    }

    /// A message was confirmed there.
    fn landed(&mut self, link: &Link, at: Instant) {
        self.is_fresh &= link.partition != self.partition;
        // A straggler of the run before, or of a producer that was replaced, says nothing new.
        let is_older = self.last.as_ref().is_some_and(|(last, _)| match last.partition == link.partition {
            true => last.offset > link.offset,
            false => last.partition == self.partition,
        });
        if !is_older {
            self.last = Some((link.clone(), at));
        }
    }
}

impl Trail {
    /// A message sets out. Where it goes and what it names is found in one step, so that no other one comes between.
    pub(super) fn set_out(&mut self, topic: &Arc<str>, destination: Destination) -> Leg {
        let (mut partition, mut is_fresh) = (destination.fixed(), false);
        if let Destination::InTurn(partitions) = destination {
            let partitions = i32::try_from(partitions).unwrap_or(i32::MAX).max(1);
            let cursor = self.cursors.entry(Arc::clone(topic)).or_insert_with(|| Cursor::anywhere(partitions));
            cursor.step(partitions);
            (partition, is_fresh) = (Some(cursor.partition), cursor.is_fresh);
        }
        // Of what is on its way nobody knows the place.
        let links = if is_fresh || self.in_flight == 0 { self.links(topic, partition) } else { String::new() };
        self.in_flight += 1;
        Leg { partition, links }
    }

    /// What has to be read before a message for this place: the partition that was left, and the newest others.
    fn links(&mut self, topic: &Arc<str>, partition: Option<i32>) -> String {
        self.recent.retain(|(_, at)| at.elapsed() < RECENT);
        let left = self.cursors.get(topic).and_then(|cursor| cursor.last.as_ref()).filter(|(_, at)| at.elapsed() < RECENT);
        let is_elsewhere = |link: &&Link| link.topic != *topic || Some(link.partition) != partition;
        let mut chosen: Vec<&Link> = Vec::with_capacity(LINKS);
        for link in left.into_iter().chain(&self.recent).map(|(link, _)| link).filter(is_elsewhere) {
            let is_named = chosen.iter().any(|other| other.topic == link.topic && other.partition == link.partition);
            if !is_named && chosen.len() < LINKS {
                chosen.push(link);
            }
        }
        let mut text = String::new();
        for link in chosen {
            let name = if link.topic == *topic { "" } else { &link.topic };
            let separator = if text.is_empty() { "" } else { "," };
            let _ = write!(text, "{separator}{name}/{}/{}", link.partition, link.offset);
        }
        text
    }

    /// A message arrived there, or failed.
    pub(super) fn landed(&mut self, topic: &Arc<str>, destination: Destination, place: Option<(i32, i64)>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut cursor = self.cursors.get_mut(topic).filter(|_| matches!(destination, Destination::InTurn(_)));
        if let Some(cursor) = &mut cursor {
            cursor.in_flight = cursor.in_flight.saturating_sub(1);
        }
        let Some((partition, offset)) = place.filter(|(_, offset)| *offset >= 0) else { return };
        let (link, at) = (Link { topic: Arc::clone(topic), partition, offset }, Instant::now());
        if let Some(cursor) = cursor {
            cursor.landed(&link, at);
        }
        self.recent.retain(|(other, _)| other.topic != *topic || other.partition != link.partition);
        self.recent.push_front((link, at));
        self.recent.truncate(LINKS);
    }
}

/// Reads the [links](Leg::links) of a message of this topic; what is none is left out.
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

    use Destination::{Fixed, InTurn};

    /// A message that waits for its confirmation.
    fn pass(trail: &mut Trail, topic: &Arc<str>, destination: Destination, place: (i32, i64)) -> Leg {
        let leg = trail.set_out(topic, destination);
        trail.landed(topic, destination, Some(place));
        leg
    }

    #[test]
    fn after_a_pause_a_message_names_what_came_before_elsewhere() {
        let (mut trail, a, b) = (Trail::default(), Arc::<str>::from("a"), Arc::<str>::from("b"));
        pass(&mut trail, &a, Fixed(0), (0, 17));
        pass(&mut trail, &b, Fixed(3), (3, 5));
        let leg = trail.set_out(&a, Fixed(1));
        assert_eq!(leg, Leg { partition: Some(1), links: "b/3/5,/0/17".to_owned() });
        let link = |topic: &Arc<str>, partition, offset| Link { topic: Arc::clone(topic), partition, offset };
        assert_eq!(read(&leg.links, &a), [link(&b, 3, 5), link(&a, 0, 17)]);
        assert_eq!(trail.set_out(&a, Fixed(2)).links, "", "what is on its way has no place yet");
        trail.landed(&a, Fixed(1), None);
        trail.landed(&a, Fixed(2), None);
        assert_eq!(trail.set_out(&a, Fixed(0)).links, "b/3/5", "its own partition is in order anyway");
        assert!(read("x,,a/1,/b/c,//", &a).is_empty());
    }

    #[test]
    fn without_a_key_a_pause_moves_on_and_a_burst_stays() {
        let (mut trail, topic) = (Trail::default(), Arc::<str>::from("t"));
        let next = |trail: &mut Trail| trail.set_out(&topic, InTurn(4)).partition.expect("a partition");
        let first = next(&mut trail);
        assert_eq!(next(&mut trail), first);
        trail.landed(&topic, InTurn(4), Some((first, 0)));
        assert_eq!(next(&mut trail), first, "one is still on its way");
        trail.landed(&topic, InTurn(4), Some((first, 1)));
        trail.landed(&topic, InTurn(4), Some((first, 2)));
        let burst: Vec<i32> = (0..1100).map(|_| next(&mut trail)).collect();
        assert_eq!(burst.iter().filter(|&&partition| partition == (first + 1) % 4).count(), 1000);
    }

    #[test]
    fn whoever_else_publishes_the_first_in_a_partition_names_the_one_that_was_left() {
        let (mut trail, topic, noise) = (Trail::default(), Arc::<str>::from("t"), Arc::<str>::from("noise"));
        let left = trail.set_out(&topic, InTurn(4)).partition.expect("a partition");
        trail.landed(&topic, InTurn(4), Some((left, 7)));
        for partition in 0..6 {
            pass(&mut trail, &noise, Fixed(partition), (partition, 1));
        }
        trail.set_out(&noise, Fixed(0));
        let leg = trail.set_out(&topic, InTurn(4));
        assert_eq!(leg.partition, Some((left + 1) % 4));
        assert_eq!(leg.links, format!("/{left}/7,noise/5/1,noise/4/1,noise/3/1"));
        assert_eq!(trail.set_out(&topic, InTurn(4)), leg, "the first one may fail");
        trail.landed(&topic, InTurn(4), None);
        assert_eq!(trail.set_out(&topic, InTurn(4)), leg, "it did");
        trail.landed(&topic, InTurn(4), Some(((left + 1) % 4, 3)));
        assert_eq!(trail.set_out(&topic, InTurn(4)), Leg { partition: leg.partition, links: String::new() }, "it is behind that one");
    }

    #[test]
    fn a_straggler_is_not_the_last_one() {
        let (mut trail, topic) = (Trail::default(), Arc::<str>::from("t"));
        let next = |trail: &mut Trail| trail.set_out(&topic, InTurn(4)).partition.expect("a partition");
        let first = next(&mut trail);
        for _ in 1..LONGEST_RUN {
            assert_eq!(next(&mut trail), first);
        }
        let second = next(&mut trail);
        assert_eq!(second, (first + 1) % 4, "the run was long enough");
        trail.landed(&topic, InTurn(4), Some((second, 5)));
        trail.landed(&topic, InTurn(4), Some((second, 4)));
        (0..LONGEST_RUN).for_each(|n| trail.landed(&topic, InTurn(4), Some((first, i64::from(n)))));
        let last = trail.cursors[&topic].last.as_ref().map(|(link, _)| (link.partition, link.offset));
        assert_eq!(last, Some((second, 5)));
    }
}
