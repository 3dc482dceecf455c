//! What a member has in hand, by partition.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::ended::Ended;
use super::tenure::Tenure;
use super::trail::Link;

/// What has to be read first is waited for no longer than this: it may have been lost with a broker.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A partition by its topic and number.
pub(super) type Place = (Arc<str>, i32);

/// How the member stands to its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Working,
    /// The consumer was dropped; what is in hand may still be settled.
    Leaving,
    /// Gone; settling does nothing.
    Gone,
}

/// A partition that is asked for messages.
pub(super) struct Turn {
    pub(super) place: Place,
    /// Whether there may be any: the flag of [`Tenure::news`]. Asking librdkafka in vain costs more than a message does.
    pub(super) news: Arc<AtomicBool>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) tenures: HashMap<Place, Tenure>,
    /// The partitions in the order in which they are asked.
    pub(super) turns: Vec<Turn>,
    pub(super) turn: usize,
    /// It was asked for a message while it held as many as it may: settling one is news.
    pub(super) full: bool,
    pub(super) tags: HashMap<u64, (Place, i64)>,
    pub(super) next_tag: u64,
    /// Given back: to be delivered before anything else, the lowest offset first.
    pub(super) again: BTreeSet<(i64, Place)>,
    /// Settled, as soon as the transaction is committed in which it is sent what came of it.
    pub(super) ended: VecDeque<Arc<Ended>>,
    /// Since when the head of a partition waits for another one.
    blocked: HashMap<Place, Instant>,
    /// The head of a partition waits for its time, or for another one.
    pub(super) waits: bool,
}

impl State {
    pub(super) fn add(&mut self, tenure: Tenure) {
        let place = (Arc::clone(&tenure.topic), tenure.partition);
        self.remove(&place);
        self.turns.push(Turn { place: place.clone(), news: tenure.news() });
        self.tenures.insert(place, tenure);
    }

    /// What was delivered of it and is not settled is not ours any more.
    pub(super) fn remove(&mut self, place: &Place) -> Option<Tenure> {
        let tenure = self.tenures.remove(place)?;
        for tag in tenure.log.held() {
            self.tags.remove(&tag);
        }
        self.turns.retain(|turn| turn.place != *place);
        self.again.retain(|(_, of)| of != place);
        self.ended.retain(|ended| ended.place != *place);
        self.blocked.remove(place);
        Some(tenure)
    }

    pub(super) fn held(&self) -> usize {
        self.tags.len()
    }

    /// The connection was lost: what was unsettled is delivered again, and settling the old deliveries does nothing. To the
    /// pipeline it is as if the partitions had come anew.
    pub(super) fn begin_anew(&mut self) {
        self.tags.clear();
        for (place, tenure) in &mut self.tenures {
            tenure.before += 1;
            tenure.shard.tenure += 1;
            self.again.extend(tenure.log.take_back().into_iter().map(|offset| (offset, place.clone())));
        }
    }

    /// Stops all deliveries of these partitions if nothing of them is with the pipeline, or in any case.
    pub(super) fn seal(&mut self, places: &[Place], in_any_case: bool) -> bool {
        let is_drained = places.iter().filter_map(|place| self.tenures.get(place)).all(|tenure| tenure.log.held().next().is_none());
        if is_drained || in_any_case {
            self.again.retain(|(_, place)| !places.contains(place));
            return true;
        }
        false
    }

    /// Whether the head of a partition may go: what its publisher had confirmed before has been delivered.
    pub(super) fn may_go(&mut self, place: &Place, after: &[Link]) -> bool {
        let is_ahead = |link: &Link| {
            let other = self.tenures.get(&(Arc::clone(&link.topic), link.partition));
            other.is_some_and(|other| !other.draining && other.log.position <= link.offset)
        };
        if !after.iter().any(is_ahead) {
            self.blocked.remove(place);
            return true;
        }
        self.blocked.entry(place.clone()).or_insert_with(Instant::now).elapsed() >= LONGEST_WAIT
    }
}
