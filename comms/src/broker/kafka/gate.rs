//! What librdkafka tells a member of a group: partitions that come and go.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::client::log;
use super::health::Health;
use super::reports::Report;

/// A step of a rebalance; the member goes on once it has answered.
#[derive(Debug)]
pub(super) enum Step {
    /// These partitions are ours now.
    Assign(TopicPartitionList),
    /// These go to another member.
    Revoke(TopicPartitionList),
    /// These are another member's already.
    Lost(TopicPartitionList),
}

/// The context of a group's consumer. Steps are kept for its thread, which may take its time.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    health: Arc<Health>,
    report: Arc<Report>,
    steps: Arc<Mutex<VecDeque<Step>>>,
    closing: Arc<AtomicBool>,
    commit_failed: Arc<AtomicBool>,
    lost: Arc<AtomicBool>,
}

impl Gate {
    pub(super) fn new(health: Arc<Health>, group: &str) -> Self {
        let report = health.reports.open(group);
        Self { health, report, steps: Arc::default(), closing: Arc::default(), commit_failed: Arc::default(), lost: Arc::default() }
    }

    pub(super) fn next_step(&self) -> Option<Step> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// From now on every step is answered at once.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether the connection to all brokers was lost since the last time.
    pub(super) fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    /// Whether a commit failed since the last time; it has to be repeated.
    pub(super) fn take_commit_failed(&self) -> bool {
        self.commit_failed.swap(false, Ordering::Relaxed)
    }
}

impl ClientContext for Gate {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn stats(&self, statistics: rdkafka::Statistics) {
        self.report.take(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.lost.store(true, Ordering::Relaxed);
        }
        self.health.note(&error, reason);
    }
}

impl ConsumerContext for Gate {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let assigned = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Relaxed) {
            // Nothing is read any more. What was assigned beside the group's own partitions goes as well.
            if !assigned {
                let all = consumer.assignment().unwrap_or_default();
                let _ = consumer.incremental_unassign(&all);
            } else {
                let _ = consumer.incremental_assign(&TopicPartitionList::new());
            }
            return;
        }
        let step = match (assigned, consumer.assignment_lost()) {
            (true, _) => Step::Assign(partitions.clone()),
            (false, true) => Step::Lost(partitions.clone()),
            (false, false) => Step::Revoke(partitions.clone()),
        };
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push_back(step);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "offsets were not committed; trying again");
            self.commit_failed.store(true, Ordering::Relaxed);
        }
    }
}
