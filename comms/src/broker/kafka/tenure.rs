//! A partition in the hands of this member: what was delivered of it, and how far it is settled.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;

use super::gate::Gate;
use super::headers::{self, Read};
use super::marks::Mark;
use crate::broker::Shard;
use crate::message::Envelope;

/// What is kept of a delivery until it is settled.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) envelope: Arc<Envelope>,
    pub(super) redelivered: u32,
    pub(super) foreign: Option<OwnedHeaders>,
}

/// What became of a message that was read.
#[derive(Debug)]
pub(super) enum Entry {
    /// With the pipeline, under this tag.
    Held(u64, Kept),
    /// Given back; to be delivered again.
    Again(Kept),
    Settled,
}

/// The settled and the open messages behind the committed offset.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: BTreeMap<i64, Entry>,
    /// Where to read on: everything before was read.
    pub(super) position: i64,
    /// What the predecessor left.
    pub(super) mark: Mark,
    /// There is something to commit.
    pub(super) dirty: bool,
}

impl Log {
    pub(super) fn new(position: i64, mark: Mark) -> Self {
        Self { entries: BTreeMap::new(), position, mark, dirty: false }
    }

    /// The lowest offset that is not settled.
    pub(super) fn low(&self) -> i64 {
        self.entries.keys().next().copied().unwrap_or(self.position)
    }

    /// A message was read; whether it is still to be handled.
    pub(super) fn read(&mut self, offset: i64) -> bool {
        self.position = self.position.max(offset + 1);
        let open = !self.mark.settled.remove(&offset);
        if !open {
            self.settle(offset);
        }
        open
    }

    pub(super) fn put(&mut self, offset: i64, entry: Entry) {
        self.entries.insert(offset, entry);
    }

    pub(super) fn get(&self, offset: i64) -> Option<&Entry> {
        self.entries.get(&offset)
    }

    pub(super) fn settle(&mut self, offset: i64) {
        self.entries.insert(offset, Entry::Settled);
        while self.entries.first_entry().is_some_and(|first| matches!(first.get(), Entry::Settled)) {
            self.entries.pop_first();
        }
        self.dirty = true;
    }

    /// The tags of what is with the pipeline.
    pub(super) fn held(&self) -> impl Iterator<Item = u64> {
        self.entries.values().filter_map(|entry| if let Entry::Held(tag, _) = entry { Some(*tag) } else { None })
    }

    /// Takes back what is with the pipeline; its offsets are returned.
    pub(super) fn take_back(&mut self) -> Vec<i64> {
        let mut taken = Vec::new();
        for (&offset, entry) in &mut self.entries {
            if let Entry::Held(_, kept) = entry {
                let kept = Kept { redelivered: kept.redelivered + 1, ..kept.clone() };
                *entry = Entry::Again(kept);
                taken.push(offset);
            }
        }
        taken
    }

    /// What to commit. While the tenure lasts, the next `window` messages may be delivered before the next commit.
    pub(super) fn commit(&self, lasts: Option<i64>) -> (i64, Mark) {
        let low = self.low();
        let mut mark = Mark { dirty: 0, until: low, ..Mark::default() };
        if low < self.mark.until && self.mark.dirty > 0 {
            (mark.dirty, mark.until) = (self.mark.dirty + u32::from(lasts.is_some()), self.mark.until);
        } else if let Some(window) = lasts {
            (mark.dirty, mark.until) = (1, self.position + window);
        }
        mark.held = self.mark.held.range(self.position..).map(|(&at, &count)| (at, count + u32::from(lasts.is_some()))).collect();
        mark.settled = self.mark.settled.range(self.position..).copied().collect();
        for (&offset, entry) in &self.entries {
            match entry {
                Entry::Held(_, kept) => drop(mark.held.insert(offset, kept.redelivered + 1)),
                Entry::Again(kept) => drop(mark.held.insert(offset, kept.redelivered)),
                Entry::Settled => drop(mark.settled.insert(offset)),
            }
        }
        (low, mark)
    }
}

/// A partition that this member reads.
pub(super) struct Tenure {
    /// What Kafka calls its topic.
    pub(super) topic: Arc<str>,
    /// What messages call it.
    pub(super) logical: Arc<str>,
    pub(super) partition: i32,
    pub(super) shard: Shard,
    /// How often this consumer had it before.
    pub(super) before: u32,
    /// It moves to another member: nothing new is delivered.
    pub(super) draining: bool,
    /// It is written that messages may have been delivered from here on. Nothing is before that: one that ends this process at once has to
    /// be counted.
    pub(super) counted: bool,
    pub(super) log: Log,
    queue: Option<PartitionQueue<Gate>>,
    news: Arc<AtomicBool>,
    /// What was read and not delivered: a message that waits, and what came another way.
    waiting: VecDeque<Read>,
    /// Whether it was said that messages can't be read.
    told: bool,
}

impl Tenure {
    pub(super) fn new(
        place: (Arc<str>, i32),
        logical: Arc<str>,
        shard: Shard,
        before: u32,
        log: Log,
        mut queue: Option<PartitionQueue<Gate>>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let news = Arc::new(AtomicBool::new(true));
        if let Some(queue) = &mut queue {
            let news = Arc::clone(&news);
            queue.set_nonempty_callback(move || {
                news.store(true, Ordering::Release);
                wake();
            });
        }
        Self {
            topic: place.0,
            logical,
            partition: place.1,
            shard,
            before,
            draining: false,
            counted: false,
            log,
            queue,
            news,
            waiting: VecDeque::new(),
            told: false,
        }
    }

    /// Whether it may have a message: not while its queue was found empty and librdkafka has not called since.
    pub(super) fn news(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.news)
    }

    /// What came by way of the common queue.
    pub(super) fn stray(&mut self, read: Read) {
        self.waiting.push_back(read);
        self.news.store(true, Ordering::Release);
    }

    /// The next message, without taking it.
    pub(super) fn peek(&mut self) -> Option<&Read> {
        if self.waiting.is_empty() {
            let read = self.poll()?;
            self.waiting.push_back(read);
        }
        self.waiting.front()
    }

    pub(super) fn take(&mut self) -> Option<Read> {
        self.waiting.pop_front()
    }

    /// The next message of the queue that is not behind the position: after a pause librdkafka may repeat some.
    fn poll(&mut self) -> Option<Read> {
        loop {
            // Before it is asked: what comes while it is asked must not be missed.
            self.news.store(false, Ordering::Release);
            match self.queue.as_ref()?.poll(std::time::Duration::ZERO)? {
                Ok(message) => {
                    let read = headers::read(&message, &self.topic, &self.logical);
                    if read.offset >= self.log.position {
                        self.news.store(true, Ordering::Release);
                        return Some(read);
                    }
                }
                Err(error) => self.tell(&error),
            }
        }
    }

    /// What holds up a partition is said once, and loud: no error of ours ends it.
    fn tell(&mut self, error: &KafkaError) {
        let unreadable = [Code::NotImplemented, Code::BadCompression, Code::BadMessage, Code::UnsupportedCompressionType];
        if !self.told && error.rdkafka_error_code().is_some_and(|code| unreadable.contains(&code)) {
            self.told = true;
            let (topic, partition) = (&*self.topic, self.partition);
            tracing::error!(%error, topic, partition, "messages of this partition can't be read: they are broken, or compressed in a way that librdkafka does not know; have their publisher send them in another one");
        }
        tracing::debug!(%error, topic = &*self.topic, partition = self.partition, "reading a partition");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Id, Metadata};

    fn kept(redelivered: u32) -> Kept {
        let envelope = Envelope::new("t".into(), Metadata::foreign(Id::new()), bytes::Bytes::new());
        Kept { envelope: Arc::new(envelope), redelivered, foreign: None }
    }

    fn with(offsets: std::ops::Range<i64>) -> Log {
        let mut log = Log::new(offsets.start, Mark::default());
        for offset in offsets {
            assert!(log.read(offset));
            log.put(offset, Entry::Held(7, kept(0)));
        }
        log
    }

    #[test]
    fn the_lowest_open_message_is_where_a_successor_begins() {
        let mut log = with(10..14);
        log.settle(11);
        log.settle(13);
        assert_eq!(log.low(), 10);
        log.settle(10);
        assert_eq!(log.low(), 12);
        log.settle(12);
        assert_eq!((log.low(), log.held().count()), (14, 0));
    }

    #[test]
    fn a_successor_knows_what_is_settled_and_what_was_in_hand() {
        let mut log = with(10..14);
        log.settle(11);
        log.put(12, Entry::Again(kept(0)));
        let (offset, mark) = log.commit(None);
        let mut next = Log::new(offset, Mark::read(&mark.write(offset), offset));
        let open: Vec<bool> = (10..15).map(|offset| next.read(offset)).collect();
        assert_eq!(open, [true, false, true, true, true]);
        assert_eq!((10..15).map(|offset| next.mark.deliveries(offset)).collect::<Vec<_>>(), [1, 0, 0, 1, 0]);
    }

    #[test]
    fn an_end_without_a_word_counts_for_all_that_may_have_been_delivered() {
        let mut mark = Mark::default();
        for crash in 1..=3 {
            let log = Log::new(10, mark.clone());
            let (offset, text) = log.commit(Some(4));
            mark = Mark::read(&text.write(offset), offset);
            assert_eq!([10, 13, 14].map(|offset| mark.deliveries(offset)), [crash, crash, 0]);
        }
        let mut log = Log::new(10, mark);
        for offset in 10..15 {
            log.read(offset);
            log.settle(offset);
        }
        assert_eq!(log.commit(None), (15, Mark { until: 15, ..Mark::default() }), "a clean end forgets");
    }
}
