//! The producer of a transactional member, and how one transaction is made with it. Blocks: only the member's thread calls it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::client::{self, log};
use super::desk::Desk;
use super::ended::Ended;
use super::member::Member;
use super::shared::{Outgoing, Shared};

/// How long one call of librdkafka may take; it is called again until the answer is known.
const CALL: Duration = Duration::from_millis(500);
/// What is between two calls that fail at once.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a member that is to stop goes on with its last transaction.
pub(super) const LAST: Duration = Duration::from_secs(3);

/// After so many transactions that failed one is told loud.
const FAILURES: u32 = 50;

/// What is committed together.
pub(super) struct Load {
    pub(super) offsets: TopicPartitionList,
    pub(super) ended: Vec<Arc<Ended>>,
}

/// What became of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    /// Nothing of it is visible, nor will be. These of the load can't be sent at all.
    Aborted(BTreeSet<usize>),
    /// Nobody knows.
    Unknown,
}

/// Why a transaction does not go on.
enum Trouble {
    /// It has to be aborted.
    Abort,
    /// The producer is of no use any more, or there is no time left.
    Broken,
}

/// See the module's documentation.
pub(super) struct Transactor {
    shared: Arc<Shared>,
    member: Arc<Member>,
    id: String,
    /// Made with the first transaction, and again when librdkafka says that it can't go on.
    producer: Option<ThreadedProducer<Porter>>,
    porter: Porter,
    /// When a member that is to stop gives up.
    until: Option<Instant>,
    /// How many in a row were aborted.
    failures: u32,
}

impl Transactor {
    pub(super) fn new(desk: &Desk, member: &Arc<Member>) -> Self {
        let shared = Arc::clone(&desk.shared);
        // Begins like the group, so that one rule of access fits both. With an instance the next process ends at once what this one leaves open.
        let own = shared.config.instance.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let id = format!("{}.{own}", desk.names.group);
        Self { shared, member: Arc::clone(member), id, producer: None, porter: Porter::default(), until: None, failures: 0 }
    }

    /// Sends what the load has, and commits it with the offsets in the name of the member.
    pub(super) fn make(&mut self, load: &Load, member: &ConsumerGroupMetadata) -> Outcome {
        self.porter.forget();
        if !self.prepare() {
            return Outcome::Aborted(BTreeSet::new());
        }
        match self.fill(load, member) {
            Ok(()) => {}
            Err(Trouble::Abort) => return self.abort(load),
            // What is open in its name is aborted by the next one, or by the coordinator when its time is over.
            Err(Trouble::Broken) => {
                self.end_producer();
                return Outcome::Aborted(BTreeSet::new());
            }
        }
        if self.call("commit", |producer| producer.commit_transaction(CALL)).is_ok() {
            self.failures = 0;
            return Outcome::Committed;
        }
        // Whatever librdkafka says: the request may have reached the coordinator.
        self.end_producer();
        Outcome::Unknown
    }

    /// A producer that may begin.
    fn prepare(&mut self) -> bool {
        if self.producer.is_some() {
            return true;
        }
        let settings = client::transactional(&self.shared.config, &self.shared.service, &self.id);
        match ThreadedProducer::from_config_and_context(&settings, self.porter.clone()) {
            Ok(producer) => self.producer = Some(producer),
            Err(error) => {
                tracing::error!(%error, id = self.id, "no producer for transactions could be made");
                return false;
            }
        }
        let ready = self.call("begin with", |producer| producer.init_transactions(CALL));
        if ready.is_err() {
            self.end_producer();
        }
        ready.is_ok()
    }

    /// Everything but the commit, so that what fails here is known to have failed.
    fn fill(&mut self, load: &Load, member: &ConsumerGroupMetadata) -> Result<(), Trouble> {
        self.call("begin", |producer| producer.begin_transaction())?;
        for (number, ended) in load.ended.iter().enumerate() {
            for outgoing in &ended.outgoing {
                self.send(number, outgoing)?;
            }
        }
        if load.offsets.count() > 0 {
            self.call("add the offsets to", |producer| producer.send_offsets_to_transaction(&load.offsets, member, CALL))?;
        }
        self.call("send the messages of", |producer| producer.flush(CALL))?;
        if self.porter.has_failed() { Err(Trouble::Abort) } else { Ok(()) }
    }

    fn send(&mut self, number: usize, outgoing: &Outgoing) -> Result<(), Trouble> {
        loop {
            let Some(producer) = &self.producer else { return Err(Trouble::Broken) };
            let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&outgoing.topic, number);
            record = record.headers(outgoing.headers.clone());
            record.partition = outgoing.destination.fixed();
            record.key = outgoing.key.as_deref();
            record.payload = outgoing.payload.as_deref();
            match producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) if self.has_time() => std::thread::sleep(PAUSE),
                Err((error, _)) => {
                    self.porter.note(number, &outgoing.topic, &error);
                    return Err(Trouble::Abort);
                }
            }
        }
    }

    fn abort(&mut self, load: &Load) -> Outcome {
        if self.call("abort", |producer| producer.abort_transaction(CALL)).is_err() {
            self.end_producer();
        }
        let refused = self.porter.refused();
        for number in &refused {
            for outgoing in load.ended.get(*number).iter().flat_map(|ended| &ended.outgoing) {
                // Looked for again: it may have been deleted.
                self.shared.topics.forget(&outgoing.topic);
            }
        }
        Outcome::Aborted(refused)
    }

    /// Calls librdkafka until it knows: what takes too long goes on with the next call.
    fn call(&mut self, what: &str, step: impl Fn(&ThreadedProducer<Porter>) -> Result<(), KafkaError>) -> Result<(), Trouble> {
        loop {
            let Some(producer) = &self.producer else { return Err(Trouble::Broken) };
            let error = match step(producer) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match &error {
                KafkaError::Transaction(said) if said.is_fatal() => {
                    tracing::warn!(%error, id = self.id, "could not {what} a transaction: its producer is replaced");
                    return Err(Trouble::Broken);
                }
                KafkaError::Transaction(said) if said.txn_requires_abort() => {
                    // Usual while the group is rebalancing.
                    tracing::debug!(%error, id = self.id, "could not {what} a transaction: it is aborted, and made again");
                    self.failures += 1;
                    if self.failures.is_multiple_of(FAILURES) {
                        tracing::error!(%error, id = self.id, "could not {what} a transaction, for the {} time in a row", self.failures);
                    }
                    return Err(Trouble::Abort);
                }
                KafkaError::Transaction(said) if !said.is_retriable() => {
                    tracing::warn!(%error, id = self.id, "could not {what} a transaction: its producer is replaced");
                    return Err(Trouble::Broken);
                }
                _ if !self.has_time() => {
                    tracing::warn!(%error, id = self.id, "could not {what} a transaction before the end");
                    return Err(Trouble::Broken);
                }
                _ => std::thread::sleep(PAUSE),
            }
        }
    }

    fn has_time(&mut self) -> bool {
        !self.member.stopping.load(Ordering::Acquire) || Instant::now() < *self.until.get_or_insert_with(|| Instant::now() + LAST)
    }

    /// Ending a client takes its time.
    fn end_producer(&mut self) {
        if let Some(producer) = self.producer.take() {
            std::thread::spawn(move || drop(producer));
        }
    }
}

/// The producer's context: notes what can't be sent.
#[derive(Clone, Debug, Default)]
struct Porter(Arc<Mutex<Failed>>);

#[derive(Debug, Default)]
struct Failed {
    any: bool,
    /// What another transaction would not mend.
    refused: BTreeSet<usize>,
}

impl Porter {
    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Failed::default();
    }

    fn refused(&self) -> BTreeSet<usize> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).refused)
    }

    fn has_failed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).any
    }

    fn note(&self, number: usize, topic: &str, error: &KafkaError) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.any = true;
        if error.rdkafka_error_code().is_some_and(is_for_good) && failed.refused.insert(number) {
            tracing::error!(%error, topic, "Kafka refuses what a transactional handler published; its message is handled again");
        }
    }
}

/// What another transaction would not mend. Topics that are missing are made when the handler publishes again.
fn is_for_good(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidMessage
            | Code::InvalidRecord
            | Code::InvalidTopic
            | Code::InvalidPartitions
            | Code::PolicyViolation
            | Code::TopicAuthorizationFailed
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
    )
}

impl ClientContext for Porter {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the producer of transactions");
    }
}

impl ProducerContext for Porter {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        if let Err((error, message)) = result {
            self.note(number, message.topic(), error);
        }
    }
}
