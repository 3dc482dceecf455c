//! What is remembered beside a committed offset, in the text that Kafka keeps with it.
//!
//! The offset says that everything before it is settled. The text says what is settled behind it, which messages were in a
//! member's hands when it went, and whether it went without a word: then what it may have had counts as delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};

use super::state::Place;

/// Brokers refuse more than 4096 bytes.
const LONGEST: usize = 3500;
/// More is not believed.
const MOST: i64 = 100_000;

/// Where a group reads on: an offset, and what is remembered beside it.
pub(super) type Begin = (i64, Mark);

/// What a broker says that a group committed; nothing where it never did.
pub(super) fn begin(found: &TopicPartitionListElem<'_>) -> (Place, Option<Begin>) {
    let place: Place = (found.topic().into(), found.partition());
    match found.offset() {
        Offset::Offset(offset) => (place, Some((offset, Mark::read(&metadata_of(found), offset)))),
        _ => (place, None),
    }
}

/// Whether that is known of all: while a transaction is open that commits offsets, it is not.
pub(super) fn is_known(found: &TopicPartitionList) -> bool {
    found.elements().iter().all(|found| found.error().is_ok())
}

/// The text beside a committed offset; nothing when a foreign tool left what is no text.
pub(super) fn metadata_of(found: &TopicPartitionListElem<'_>) -> String {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| found.metadata().to_owned())).unwrap_or_default()
}

/// The text beside an offset; all numbers in it count from that offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// How often a member had messages of here to `until` and ended without saying which.
    pub(super) dirty: u32,
    /// The first offset that nobody can have had.
    pub(super) until: i64,
    /// Messages in hand, with the number of their deliveries.
    pub(super) held: BTreeMap<i64, u32>,
    /// Settled, though something before is not.
    pub(super) settled: BTreeSet<i64>,
}

impl Mark {
    /// How often the message at the offset was delivered before.
    pub(super) fn deliveries(&self, offset: i64) -> u32 {
        let unsaid = if offset < self.until { self.dirty } else { 0 };
        self.held.get(&offset).copied().unwrap_or(unsaid)
    }

    /// The text for this offset. What does not fit is left out: it would only save repetitions.
    pub(super) fn write(&self, offset: i64) -> String {
        let mut text = format!("comms1;d={};u={}", self.dirty, (self.until - offset).max(0));
        let held = self.held.range(offset..).map(|(at, count)| format!("{}:{count}", at - offset));
        push(&mut text, ";h=", held);
        push(&mut text, ";s=", ranges(&self.settled, offset));
        text
    }

    /// Reads what [`Mark::write`] wrote; anything else is no mark.
    pub(super) fn read(text: &str, offset: i64) -> Self {
        let mut mark = Self::default();
        let Some(rest) = text.strip_prefix("comms1") else { return mark };
        for (name, value) in rest.split(';').filter_map(|part| part.split_once('=')) {
            match name {
                "d" => mark.dirty = value.parse().unwrap_or(0),
                "u" => mark.until = offset + number(value).unwrap_or(0),
                "h" => mark.held = value.split(',').filter_map(|item| read_held(item, offset)).collect(),
                "s" => value.split(',').filter_map(read_range).for_each(|(from, to)| mark.settled.extend(offset + from..=offset + to)),
                _ => {}
            }
        }
        mark
    }
}

fn push(text: &mut String, name: &str, items: impl Iterator<Item = String>) {
    let mut separator = name;
    for item in items {
        if text.len() + item.len() + 8 > LONGEST {
            return;
        }
        let _ = write!(text, "{separator}{item}");
        separator = ",";
    }
}

fn ranges(numbers: &BTreeSet<i64>, offset: i64) -> impl Iterator<Item = String> {
    let mut rest = numbers.range(offset..).map(move |number| number - offset).peekable();
    std::iter::from_fn(move || {
        let from = rest.next()?;
        let mut to = from;
        while let Some(next) = rest.next_if(|&next| next == to + 1) {
            to = next;
        }
        Some(if from == to { from.to_string() } else { format!("{from}-{to}") })
    })
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| (0..=MOST).contains(number))
}

fn read_held(item: &str, offset: i64) -> Option<(i64, u32)> {
    let (at, count) = item.split_once(':')?;
    Some((offset + number(at)?, count.parse().ok()?))
}

fn read_range(item: &str) -> Option<(i64, i64)> {
    let (from, to) = item.split_once('-').unwrap_or((item, item));
    Some((number(from)?, number(to)?)).filter(|(from, to)| from <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mark = Mark { dirty: 2, until: 120, held: BTreeMap::from([(100, 3), (104, 1)]), settled: BTreeSet::from([101, 102, 103, 107]) };
        let text = mark.write(100);
        assert_eq!(text, "comms1;d=2;u=20;h=0:3,4:1;s=1-3,7");
        assert_eq!(Mark::read(&text, 100), mark);
        assert_eq!([100, 104, 105, 119, 120].map(|offset| mark.deliveries(offset)), [3, 1, 2, 2, 0]);
    }

    #[test]
    fn what_is_no_mark_is_none() {
        for text in ["", "foreign;d=1", "comms1;s=9-1,x,5-;h=1,2:,:3;u=-5;d=y", "comms1;s=0-99999999999"] {
            assert_eq!(Mark::read(text, 7), Mark { until: if text.contains("u=") { 7 } else { 0 }, ..Mark::default() }, "{text}");
        }
    }

    #[test]
    fn a_mark_never_outgrows_its_place() {
        let settled: BTreeSet<i64> = (0..10_000).map(|n| n * 2).collect();
        let text = Mark { settled: settled.clone(), ..Mark::default() }.write(0);
        assert!(text.len() <= LONGEST);
        let read = Mark::read(&text, 0).settled;
        assert!(read.len() > 500 && read.is_subset(&settled));
    }
}
