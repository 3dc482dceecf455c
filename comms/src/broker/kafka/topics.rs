//! Which topics there are, and making those that are missing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode as Code;
use tokio::time::Instant;

use super::client::{Asking, Lookup, largest};
use super::config::KafkaConfig;
use super::error::{broker_error, code_error};
use super::replicas;
use crate::broker::{BrokerError, BrokerErrorKind};

/// How long one question to a broker may take.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// How long what belongs to a subscription is kept, in milliseconds: a message that waits for its retry, and what was replayed.
const KEPT: &str = "1209600000";

/// A topic to be made when it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) partitions: usize,
    pub(super) kind: TopicKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TopicKind {
    /// What is published to.
    Messages,
    /// What nobody reads later.
    Passing,
    /// Retries and replays of one subscription.
    Side,
    /// Dead letters: each is kept until it is taken off by its key.
    Letters,
}

impl Wanted {
    pub(super) fn new(name: &str, partitions: usize, kind: TopicKind) -> Self {
        Self { name: name.to_owned(), partitions, kind }
    }
}

/// The topics of a cluster, as far as they were asked for.
pub(super) struct Topics {
    config: Arc<KafkaConfig>,
    pub(super) lookup: Arc<Lookup>,
    admin: AdminClient<Asking>,
    known: Mutex<HashMap<Arc<str>, usize>>,
}

impl Topics {
    pub(super) fn new(config: Arc<KafkaConfig>, lookup: Arc<Lookup>, admin: AdminClient<Asking>) -> Self {
        Self { config, lookup, admin, known: Mutex::default() }
    }

    /// How many partitions the topic has, if that is known already.
    pub(super) fn known(&self, topic: &str) -> Option<(Arc<str>, usize)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_key_value(topic).map(|(name, &partitions)| (Arc::clone(name), partitions))
    }

    /// To be asked for again: somebody deleted it.
    pub(super) fn forget(&self, topic: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(topic);
    }

    /// Every topic of the cluster with its number of partitions.
    pub(super) async fn list(&self) -> Result<HashMap<String, usize>, BrokerError> {
        let lookup = Arc::clone(&self.lookup);
        let ask = move || {
            let metadata = lookup.fetch_metadata(None, ANSWER).map_err(|error| broker_error("list the topics", &error))?;
            let topics = metadata.topics().iter().filter(|topic| topic.error().is_none());
            Ok(topics.map(|topic| (topic.name().to_owned(), topic.partitions().len())).filter(|(_, partitions)| *partitions > 0).collect())
        };
        blocking(ask).await
    }

    /// How many partitions the topic has; `None` when there is none.
    async fn ask(&self, topic: &str) -> Result<Option<usize>, BrokerError> {
        let (lookup, topic) = (Arc::clone(&self.lookup), topic.to_owned());
        let ask = move || {
            let metadata = lookup.fetch_metadata(Some(&topic), ANSWER);
            let metadata = metadata.map_err(|error| broker_error(&format!("look up the topic `{topic}`"), &error))?;
            let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
            match found.error().map(Code::from) {
                None => Ok(Some(found.partitions().len()).filter(|&partitions| partitions > 0)),
                Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::LeaderNotAvailable) => Ok(None),
                Some(code) => Err(code_error(&format!("look up the topic `{topic}`"), code)),
            }
        };
        blocking(ask).await
    }

    /// The partitions of a topic that messages are published to; makes it when it is missing.
    pub(super) async fn ensure(&self, topic: &str) -> Result<(Arc<str>, usize), BrokerError> {
        if let Some(known) = self.known(topic) {
            return Ok(known);
        }
        if let Some(partitions) = self.ask(topic).await? {
            replicas::check(&self.lookup, &self.admin, &[topic]).await?;
            return Ok(self.learn(topic, partitions));
        }
        let wanted = Wanted::new(topic, usize::from(self.config.partitions), TopicKind::Messages);
        self.create(&[wanted]).await?;
        let deadline = Instant::now() + ANSWER;
        loop {
            if let Some(partitions) = self.ask(topic).await? {
                return Ok(self.learn(topic, partitions));
            }
            Self::pause(deadline, topic).await?;
        }
    }

    /// Makes what is missing of these, and waits until they are to be seen; returns all topics.
    pub(super) async fn ensure_all(&self, wanted: &[Wanted]) -> Result<HashMap<String, usize>, BrokerError> {
        let mut there = self.list().await?;
        let missing: Vec<Wanted> = wanted.iter().filter(|wanted| !there.contains_key(&wanted.name)).cloned().collect();
        let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).filter(|name| there.contains_key(*name)).collect();
        if !names.is_empty() {
            replicas::check(&self.lookup, &self.admin, &names).await?;
        }
        if !missing.is_empty() {
            self.create(&missing).await?;
        }
        let deadline = Instant::now() + ANSWER;
        while let Some(topic) = wanted.iter().find(|wanted| !there.contains_key(&wanted.name)) {
            Self::pause(deadline, &topic.name).await?;
            there = self.list().await?;
        }
        Ok(there)
    }

    /// The brokers tell each other of a new topic in their own time.
    async fn pause(deadline: Instant, topic: &str) -> Result<(), BrokerError> {
        if Instant::now() >= deadline {
            let message = format!("the topic `{topic}` was made, but can't be seen within {ANSWER:?}");
            return Err(BrokerError::new(BrokerErrorKind::Connection, message));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(())
    }

    fn learn(&self, topic: &str, partitions: usize) -> (Arc<str>, usize) {
        let name: Arc<str> = topic.into();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(&name), partitions);
        (name, partitions)
    }

    async fn create(&self, topics: &[Wanted]) -> Result<(), BrokerError> {
        replicas::check_new(&self.lookup, &self.admin, self.config.replication).await?;
        let size = largest(&self.config).to_string();
        let replication = self.config.replication.map_or(-1, i32::from);
        let new = |topic: &'_ Wanted| -> Result<i32, BrokerError> {
            i32::try_from(topic.partitions).map_err(|_| BrokerError::new(BrokerErrorKind::Config, "too many partitions"))
        };
        let counts = topics.iter().map(new).collect::<Result<Vec<i32>, _>>()?;
        let made: Vec<NewTopic<'_>> = topics
            .iter()
            .zip(counts)
            .map(|(topic, count)| {
                let made = NewTopic::new(&topic.name, count, TopicReplication::Fixed(replication)).set("max.message.bytes", &size);
                match topic.kind {
                    TopicKind::Messages => made,
                    TopicKind::Passing => made.set("cleanup.policy", "delete").set("retention.ms", "3600000"),
                    TopicKind::Side => made.set("cleanup.policy", "delete").set("retention.ms", KEPT),
                    TopicKind::Letters => made.set("cleanup.policy", "compact"),
                }
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        let attempted = format!("make the topics {}", names.join(", "));
        let results = self.admin.create_topics(&made, &options).await.map_err(|error| broker_error(&attempted, &error))?;
        for result in results {
            match result {
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(code_error(&format!("make the topic `{topic}`"), code)),
            }
        }
        Ok(())
    }
}

/// Runs what waits for an answer of librdkafka where it doesn't hold up the runtime.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static) -> Result<T, BrokerError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(BrokerError::new(BrokerErrorKind::Connection, "the runtime is shutting down").with_source(error)))
}
