//! Which deliveries of a channel are settled, and what may be acknowledged at once.
//!
//! Delivery tags of a channel ascend without gaps. `basic.ack` with `multiple` covers everything up to
//! its tag, so it may only name the end of the settled prefix, and RabbitMQ closes the channel when the
//! named tag itself is no longer open: a prefix that ends with a message given back is acknowledged up
//! to the last one before.

use std::collections::VecDeque;
use std::sync::Arc;

use lapin::BasicProperties;

use crate::broker::Shard;
use crate::message::Envelope;

/// What is remembered of a delivery until it is settled.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The queue that it came from.
    pub(super) shard: Shard,
    /// What a foreign producer put beside the attributes.
    pub(super) foreign: Option<Box<BasicProperties>>,
    /// For ordered subscriptions, where a released message is delivered again from here.
    pub(super) again: Option<(Arc<Envelope>, u32)>,
}

#[derive(Debug)]
enum Mark {
    /// Known to the broker only, or in the hands of the pipeline.
    Open(Kept),
    /// Settled; the acknowledgement is not yet written.
    Acked,
    /// Nothing is left to be told to the broker.
    Gone,
}

/// The deliveries of one channel, from the lowest one that is open.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The tag of the first mark.
    first: u64,
    marks: VecDeque<Mark>,
    /// In the hands of the pipeline.
    held: usize,
    /// Settled and not yet acknowledged.
    unsent: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { first: 1, marks: VecDeque::new(), held: 0, unsent: 0 }
    }
}

impl Ledger {
    /// How many deliveries the pipeline holds.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// How many deliveries the broker takes for unsettled, and we do too.
    pub(super) fn open(&self) -> u64 {
        self.marks.iter().filter(|mark| matches!(mark, Mark::Open(_))).count() as u64
    }

    /// How many are settled and not yet acknowledged.
    pub(super) fn unsent(&self) -> usize {
        self.unsent
    }

    /// The delivery goes to the pipeline. Others with lower tags may still wait in lapin's buffers.
    pub(super) fn deliver(&mut self, tag: u64, kept: Kept) {
        while self.first + (self.marks.len() as u64) <= tag {
            self.marks.push_back(Mark::Open(Kept::default()));
        }
        if let Some(mark) = self.mark(tag) {
            *mark = Mark::Open(kept);
            self.held += 1;
        }
    }

    /// What is remembered of a delivery that is open.
    pub(super) fn kept(&mut self, tag: u64) -> Option<&mut Kept> {
        match self.mark(tag)? {
            Mark::Open(kept) => Some(kept),
            _ => None,
        }
    }

    /// The work is done; to be acknowledged later. False when it was settled before.
    pub(super) fn ack(&mut self, tag: u64) -> bool {
        self.settle(tag, Mark::Acked).inspect(|_| self.unsent += 1).is_some()
    }

    /// The broker is told by other means. Gives what was remembered, or nothing when it was settled before.
    pub(super) fn give_back(&mut self, tag: u64) -> Option<Kept> {
        let kept = self.settle(tag, Mark::Gone);
        self.advance();
        kept
    }

    /// The pipeline gives it back, and it is to be delivered again from here: it stays open.
    pub(super) fn hold_again(&mut self, tag: u64) -> bool {
        let open = self.kept(tag).is_some();
        self.held -= usize::from(open);
        open
    }

    /// A delivery from here goes to the pipeline once more.
    pub(super) fn deliver_again(&mut self, tag: u64) {
        if self.kept(tag).is_some() {
            self.held += 1;
        }
    }

    /// The tag up to which everything can be acknowledged at once, if that is anything.
    pub(super) fn take_prefix(&mut self) -> Option<u64> {
        let mut last = None;
        while let Some(mark) = self.marks.front() {
            match mark {
                Mark::Open(_) => break,
                Mark::Acked => {
                    last = Some(self.first);
                    self.unsent -= 1;
                }
                Mark::Gone => {}
            }
            self.marks.pop_front();
            self.first += 1;
        }
        last
    }

    /// The tags beyond the prefix that are settled, to be acknowledged one by one: so that a handler that
    /// takes long doesn't hold up the flow.
    pub(super) fn take_rest(&mut self) -> Vec<u64> {
        let mut tags = Vec::with_capacity(self.unsent);
        for (tag, mark) in (self.first..).zip(&mut self.marks) {
            if matches!(mark, Mark::Acked) {
                *mark = Mark::Gone;
                tags.push(tag);
            }
        }
        self.unsent = 0;
        tags
    }

    fn settle(&mut self, tag: u64, settled: Mark) -> Option<Kept> {
        let mark = self.mark(tag)?;
        if !matches!(mark, Mark::Open(_)) {
            return None;
        }
        let Mark::Open(kept) = std::mem::replace(mark, settled) else { return None };
        self.held -= 1;
        Some(kept)
    }

    /// Forgets what is gone from the front; what waits for its acknowledgement stays.
    fn advance(&mut self) {
        while let Some(Mark::Gone) = self.marks.front() {
            self.marks.pop_front();
            self.first += 1;
        }
    }

    fn mark(&mut self, tag: u64) -> Option<&mut Mark> {
        let place = usize::try_from(tag.checked_sub(self.first)?).ok()?;
        self.marks.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(tags: u64) -> Ledger {
        let mut ledger = Ledger::default();
        (1..=tags).for_each(|tag| ledger.deliver(tag, Kept::default()));
        ledger
    }

    #[test]
    fn only_the_settled_prefix_is_acknowledged_at_once() {
        let mut ledger = with(5);
        assert!(ledger.ack(1) && ledger.ack(2) && ledger.ack(4));
        assert_eq!(ledger.take_prefix(), Some(2));
        assert_eq!(ledger.take_prefix(), None);
        assert!(ledger.ack(3));
        assert_eq!((ledger.take_prefix(), ledger.held(), ledger.unsent()), (Some(4), 1, 0));
    }

    #[test]
    fn a_prefix_never_ends_with_what_was_given_back() {
        let mut ledger = with(3);
        ledger.ack(1);
        assert!(ledger.give_back(2).is_some());
        assert_eq!(ledger.take_prefix(), Some(1));
        ledger.give_back(3);
        assert_eq!((ledger.take_prefix(), ledger.held()), (None, 0));
    }

    #[test]
    fn what_lies_behind_a_slow_one_is_acknowledged_one_by_one() {
        let mut ledger = with(4);
        ledger.ack(2);
        ledger.ack(4);
        assert_eq!(ledger.take_prefix(), None);
        assert_eq!(ledger.take_rest(), [2, 4]);
        ledger.ack(1);
        assert_eq!(ledger.take_prefix(), Some(1));
        ledger.ack(3);
        assert_eq!(ledger.take_prefix(), Some(3));
    }

    #[test]
    fn what_is_settled_twice_counts_once() {
        let mut ledger = with(1);
        assert!(ledger.ack(1) && !ledger.ack(1) && ledger.give_back(1).is_none());
        assert_eq!((ledger.take_prefix(), ledger.ack(1), ledger.ack(9)), (Some(1), false, false));
    }

    #[test]
    fn a_tag_that_was_not_seen_yet_holds_the_prefix() {
        let mut ledger = Ledger::default();
        ledger.deliver(2, Kept::default());
        ledger.ack(2);
        assert_eq!(ledger.take_prefix(), None);
        ledger.deliver(1, Kept::default());
        ledger.ack(1);
        assert_eq!(ledger.take_prefix(), Some(2));
    }

    #[test]
    fn what_is_delivered_again_from_here_stays_open() {
        let mut ledger = with(2);
        assert!(ledger.hold_again(1));
        ledger.ack(2);
        assert_eq!((ledger.take_prefix(), ledger.held()), (None, 0));
        ledger.deliver_again(1);
        ledger.ack(1);
        assert_eq!(ledger.take_prefix(), Some(2));
    }
}
