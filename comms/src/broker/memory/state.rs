//! What a group holds: lanes of queued messages, members with what they have taken, delayed messages.
//!
//! Everything here happens under the group's lock and wakes nobody itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use tokio::time::Instant;

use super::unsettled::{Held, Item, Unsettled};
use super::wakers::Wakers;
use crate::broker::{DeadLetter, Order, Shard, shard_of};
use crate::message::Envelope;

/// A queue. An unordered group has one, an ordered group one for each shard.
#[derive(Debug, Default)]
pub(super) struct Lane {
    queue: VecDeque<Item>,
    /// How many of its messages are with a member.
    unsettled: usize,
    /// The member that took from it last.
    owner: u64,
    /// How often the owner has changed.
    tenure: u32,
}

impl Lane {
    /// The member takes a message of this lane, which is number `index`.
    fn hand_to(&mut self, member: u64, index: usize) -> Shard {
        self.unsettled += 1;
        self.tenure = self.tenure.wrapping_add(u32::from(self.owner != member));
        self.owner = member;
        Shard { index: u16::try_from(index).unwrap_or(u16::MAX), tenure: self.tenure }
    }

    /// Back to where it was; that is near the front, since it has been there before.
    fn put_back(&mut self, item: Item) {
        let place = self.queue.iter().position(|queued| queued.sequence > item.sequence).unwrap_or(self.queue.len());
        self.queue.insert(place, item);
    }
}

/// A consumer of the group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) connection: u64,
    pub(super) prefetch: usize,
    pub(super) unsettled: Unsettled,
    waker: Option<Waker>,
    /// The lane to look at first, so that a full one does not starve the others.
    cursor: usize,
}

impl Member {
    pub(super) fn new(id: u64, connection: u64, prefetch: usize) -> Self {
        Self { id, connection, prefetch: prefetch.max(1), unsettled: Unsettled::default(), waker: None, cursor: 0 }
    }
}

/// A message that is held back; the sequence keeps the order of those due at one moment.
#[derive(Debug)]
struct Delayed {
    key: Reverse<(Instant, u64)>,
    envelope: Arc<Envelope>,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

#[derive(Debug)]
pub(super) struct State {
    /// An ephemeral group whose last member went: nothing reaches it any more.
    pub(super) gone: bool,
    order: Option<Order>,
    lanes: Vec<Lane>,
    pub(super) members: Vec<Member>,
    delayed: BinaryHeap<Delayed>,
    pub(super) letters: VecDeque<DeadLetter>,
    queued: usize,
    sequence: u64,
    /// How many members have a waker registered.
    waiting: usize,
}

impl State {
    pub(super) fn new(order: Option<Order>) -> Self {
        let lanes = order.map_or(1, |order| usize::from(order.shards.get()));
        Self {
            gone: false,
            order,
            lanes: std::iter::repeat_with(Lane::default).take(lanes).collect(),
            members: Vec::new(),
            delayed: BinaryHeap::new(),
            letters: VecDeque::new(),
            queued: 0,
            sequence: 0,
            waiting: 0,
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// How many messages are queued in each lane.
    pub(super) fn waiting_by_lane(&self) -> impl Iterator<Item = usize> {
        self.lanes.iter().map(|lane| lane.queue.len())
    }

    pub(super) fn delayed(&self) -> usize {
        self.delayed.len()
    }

    pub(super) fn unsettled(&self) -> usize {
        self.members.iter().map(|member| member.unsettled.len()).sum()
    }

    /// At the end of its lane.
    pub(super) fn enqueue(&mut self, envelope: Arc<Envelope>) {
        self.sequence += 1;
        let lane = self.lane_of(&envelope);
        self.queued += 1;
        self.lanes[lane].queue.push_back(Item { envelope, redelivered: 0, sequence: self.sequence });
    }

    /// By the key's shard; a message without a key has no order to keep and goes to the next lane in turn.
    #[allow(clippy::cast_possible_truncation, reason = "only the remainder counts")]
    fn lane_of(&self, envelope: &Envelope) -> usize {
        match (self.order, &envelope.metadata.key) {
            (None, _) => 0,
            (Some(order), Some(key)) => usize::from(shard_of(key, order.shards)),
            (Some(_), None) => self.sequence as usize % self.lanes.len(),
        }
    }

    pub(super) fn hold_back(&mut self, envelope: Arc<Envelope>, until: Instant) {
        self.sequence += 1;
        self.delayed.push(Delayed { key: Reverse((until, self.sequence)), envelope });
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.peek().map(|delayed| delayed.key.0.0)
    }

    /// Queues the delayed messages whose time has come; returns how many.
    pub(super) fn bring_back_due(&mut self) -> usize {
        let Some(first) = self.next_due() else { return 0 };
        let now = Instant::now();
        if now < first {
            return 0;
        }
        let before = self.delayed.len();
        while self.next_due().is_some_and(|due| due <= now) {
            if let Some(delayed) = self.delayed.pop() {
                self.enqueue(delayed.envelope);
            }
        }
        before - self.delayed.len()
    }

    pub(super) fn position(&self, member: u64) -> Option<usize> {
        self.members.iter().position(|candidate| candidate.id == member)
    }

    /// The next message for the member, if it has room for one and any lane of its has one.
    #[inline]
    pub(super) fn take(&mut self, position: usize) -> Option<(u64, Shard, Arc<Envelope>, u32)> {
        let member = &self.members[position];
        if self.queued == 0 || member.unsettled.len() >= member.prefetch {
            return None;
        }
        let lane = self.pick_lane(position)?;
        let item = self.lanes[lane].queue.pop_front()?;
        self.queued -= 1;
        let member = &mut self.members[position];
        let shard = self.lanes[lane].hand_to(member.id, lane);
        member.cursor = lane + 1;
        let (envelope, redelivered) = (Arc::clone(&item.envelope), item.redelivered);
        Some((member.unsettled.insert(Held { item, lane }), shard, envelope, redelivered))
    }

    fn pick_lane(&self, position: usize) -> Option<usize> {
        let (count, cursor) = (self.lanes.len(), self.members[position].cursor);
        (0..count).map(|step| (cursor + step) % count).find(|&lane| !self.lanes[lane].queue.is_empty() && self.may_take(lane, position))
    }

    /// In an ordered group the lanes are dealt out to the members. When members come or go, a lane changes
    /// hands only once nothing of it is unsettled; until then its old owner gets nothing more from it.
    fn may_take(&self, lane: usize, position: usize) -> bool {
        let held = &self.lanes[lane];
        self.order.is_none() || (lane % self.members.len() == position && (held.unsettled == 0 || held.owner == self.members[position].id))
    }

    /// Takes a message out of its member's hands. `None` when it was settled before or the member is gone.
    pub(super) fn settle(&mut self, member: u64, tag: u64, wakers: &mut Wakers) -> Option<Held> {
        let position = self.position(member)?;
        let member = &mut self.members[position];
        let was_full = member.unsettled.len() >= member.prefetch;
        let held = member.unsettled.remove(tag)?;
        let lane = &mut self.lanes[held.lane];
        lane.unsettled -= 1;
        let handed_over = self.order.is_some() && lane.unsettled == 0;
        if self.waiting > 0 && self.queued > 0 && (was_full || handed_over) {
            self.wake_members(wakers);
        }
        Some(held)
    }

    /// Queues a message again where it was.
    pub(super) fn put_back(&mut self, held: Held, wakers: &mut Wakers) {
        self.queued += 1;
        self.lanes[held.lane].put_back(held.item);
        self.wake_members(wakers);
    }

    /// Removes a member; what it held is queued again where it was, and counted as delivered once more.
    pub(super) fn leave(&mut self, position: usize, wakers: &mut Wakers) {
        let member = self.members.remove(position);
        if let Some(waker) = member.waker {
            self.waiting -= 1;
            wakers.add(waker);
        }
        for mut held in member.unsettled.into_held() {
            self.lanes[held.lane].unsettled -= 1;
            held.item.redelivered += 1;
            self.queued += 1;
            self.lanes[held.lane].put_back(held.item);
        }
        self.wake_members(wakers);
    }

    /// The member wants to be woken when there may be something for it.
    pub(super) fn wait(&mut self, position: usize, waker: &Waker) {
        match &mut self.members[position].waker {
            Some(registered) => registered.clone_from(waker),
            empty => {
                *empty = Some(waker.clone());
                self.waiting += 1;
            }
        }
    }

    /// Wakes every member that waits: the one that would be chosen may no longer be polled.
    pub(super) fn wake_members(&mut self, wakers: &mut Wakers) {
        if self.waiting == 0 {
            return;
        }
        self.waiting = 0;
        self.members.iter_mut().filter_map(|member| member.waker.take()).for_each(|waker| wakers.add(waker));
    }

    /// Drops all that is queued and delayed; returns how many of each.
    pub(super) fn clear(&mut self) -> (usize, usize) {
        self.lanes.iter_mut().for_each(|lane| lane.queue.clear());
        let dropped = (self.queued, self.delayed.len());
        self.delayed.clear();
        self.queued = 0;
        dropped
    }
}
