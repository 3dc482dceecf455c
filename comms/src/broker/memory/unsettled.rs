//! What a member has taken and not settled.

use std::sync::Arc;

use crate::message::Envelope;

/// A message in a group's queue.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) envelope: Arc<Envelope>,
    /// How often this copy was taken by a member that went without settling it.
    pub(super) redelivered: u32,
    /// Its place in the queue: one that comes back goes where it was.
    pub(super) sequence: u64,
}

/// A message that a member holds, and the lane that it came from.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) item: Item,
    pub(super) lane: usize,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    held: Option<Held>,
}

/// A slab: its tags are a slot's index below and the slot's generation above, so that a tag that was
/// settled once never means another message.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Unsettled {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    pub(super) fn insert(&mut self, held: Held) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        let slot = &mut self.slots[index as usize];
        slot.held = Some(held);
        u64::from(slot.generation) << 32 | u64::from(index)
    }

    fn grow(&mut self) -> u32 {
        self.slots.push(Slot::default());
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }

    #[inline]
    pub(super) fn remove(&mut self, tag: u64) -> Option<Held> {
        let (index, generation) = split(tag);
        let slot = self.slots.get_mut(index as usize).filter(|slot| slot.generation == generation)?;
        let held = slot.held.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        Some(held)
    }

    /// Everything that is held, in no particular order.
    pub(super) fn into_held(self) -> impl Iterator<Item = Held> {
        self.slots.into_iter().filter_map(|slot| slot.held)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "takes the two halves apart")]
fn split(tag: u64) -> (u32, u32) {
    (tag as u32, (tag >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Id, Metadata};

    fn held() -> Held {
        let envelope = Arc::new(Envelope::new("t".into(), Metadata::foreign(Id::new()), bytes::Bytes::new()));
        Held { item: Item { envelope, redelivered: 0, sequence: 0 }, lane: 0 }
    }

    #[test]
    fn a_tag_is_good_for_one_removal_even_when_its_slot_is_used_again() {
        let mut unsettled = Unsettled::default();
        let first = unsettled.insert(held());
        assert!(unsettled.remove(first).is_some());
        let second = unsettled.insert(held());
        assert_ne!(first, second);
        assert!(unsettled.remove(first).is_none());
        assert_eq!(unsettled.len(), 1);
        assert!(unsettled.remove(second).is_some());
    }
}
