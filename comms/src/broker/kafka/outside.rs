//! Groups, seen by who is no member of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Asking, Lookup};
use super::config::config_error;
use super::declare::declared_shards;
use super::error::broker_error;
use super::marks::{Begin, Mark, begin, is_known};
use super::names::Names;
use super::shared::Shared;
use super::state::Place;
use super::topics::ANSWER;
use crate::broker::{BrokerError, BrokerErrorKind};

/// A client for each group that was asked about. Kept: lag is asked for again and again, and each client has threads and connections.
#[derive(Default)]
pub(super) struct Outsiders(Mutex<HashMap<String, Arc<Lookup>>>);

impl Outsiders {
    /// Ending clients takes its time, and has it elsewhere.
    pub(super) fn end(&self) {
        let clients = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !clients.is_empty() {
            std::thread::spawn(move || drop(clients));
        }
    }
}

/// A group that is asked from outside. What it does blocks.
pub(super) struct Outside {
    client: Arc<Lookup>,
    group: String,
}

impl Outside {
    /// Connects, unless somebody asked about this group before.
    pub(super) fn of(shared: &Shared, group: &str) -> Result<Self, BrokerError> {
        let mut clients = shared.outsiders.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_closed() {
            return Err(BrokerError::closed(&format!("ask about the group `{group}`")));
        }
        let client = match clients.get(group) {
            Some(client) => Arc::clone(client),
            None => {
                let mut settings = client::consumer(&shared.config, &shared.service, group);
                settings.remove("group.instance.id");
                settings.remove("statistics.interval.ms");
                let made = BaseConsumer::from_config_and_context(&settings, Asking(Arc::clone(&shared.health)));
                let made = Arc::new(made.map_err(|error| config_error(format!("could not make a Kafka consumer: {error}")))?);
                clients.insert(group.to_owned(), Arc::clone(&made));
                made
            }
        };
        drop(clients);
        // What it has to say is taken up here; no message comes.
        let _ = client.poll(std::time::Duration::ZERO);
        Ok(Self { client, group: group.to_owned() })
    }

    pub(super) fn client(&self) -> &Lookup {
        &self.client
    }

    pub(super) fn shards(&self, names: &Names) -> Result<Option<u16>, BrokerError> {
        declared_shards(&self.client, names)
    }

    /// What the group committed in each place.
    pub(super) fn begins(&self, places: &[Place]) -> Result<Vec<(Place, Option<Begin>)>, BrokerError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let attempted = format!("ask where the group `{}` stands", self.group);
        let deadline = Instant::now() + ANSWER;
        loop {
            let found = self.client.committed_offsets(list(places, Offset::Invalid), ANSWER);
            let found = found.map_err(|error| broker_error(&attempted, &error))?;
            if is_known(&found) {
                return Ok(found.elements().iter().map(begin).collect());
            }
            if Instant::now() >= deadline {
                let message = format!("could not {attempted} within {ANSWER:?}: a member's transaction is open");
                return Err(BrokerError::new(BrokerErrorKind::Connection, message));
            }
        }
    }

    /// The first offset that a place still has.
    pub(super) fn starts(&self, places: &[Place]) -> Result<HashMap<Place, i64>, BrokerError> {
        self.offsets(places, Offset::Beginning)
    }

    /// The offset that the next message in a place will have.
    pub(super) fn ends(&self, places: &[Place]) -> Result<HashMap<Place, i64>, BrokerError> {
        self.offsets(places, Offset::End)
    }

    /// The offset of the first message of this time (in milliseconds) or later; places without any are left out.
    pub(super) fn since(&self, places: &[Place], time: i64) -> Result<HashMap<Place, i64>, BrokerError> {
        self.offsets(places, Offset::Offset(time.max(0)))
    }

    /// Where a time is asked for, the beginning and the end may be too: one request to each broker.
    fn offsets(&self, places: &[Place], at: Offset) -> Result<HashMap<Place, i64>, BrokerError> {
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let attempted = format!("look up offsets for the group `{}`", self.group);
        let found = self.client.offsets_for_times(list(places, at), ANSWER).map_err(|error| broker_error(&attempted, &error))?;
        let mut offsets = HashMap::new();
        for found in found.elements() {
            found.error().map_err(|error| broker_error(&attempted, &error))?;
            if let Offset::Offset(offset) = found.offset() {
                offsets.insert((found.topic().into(), found.partition()), offset);
            }
        }
        Ok(offsets)
    }

    /// Makes the group read on here. Only an empty group lets somebody outside do that.
    pub(super) fn place(&self, offsets: &HashMap<Place, i64>) -> Result<(), BrokerError> {
        let attempted = format!("move the group `{}`", self.group);
        let members = self.members()?;
        if !members.is_empty() {
            return Err(occupied(&attempted, &members));
        }
        if offsets.is_empty() {
            // A pattern that no topic fits yet: there is nothing to pass over, nor to read again.
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offset) in offsets {
            list.add_partition(topic, *partition).set_metadata(Mark::default().write(*offset));
            let set = list.set_partition_offset(topic, *partition, Offset::Offset(*offset));
            set.map_err(|error| broker_error(&attempted, &error))?;
        }
        match self.client.commit(&list, CommitMode::Sync) {
            Ok(()) => Ok(()),
            // One came just now.
            Err(KafkaError::ConsumerCommit(Code::UnknownMemberId | Code::IllegalGeneration | Code::RebalanceInProgress)) => {
                Err(occupied(&attempted, &self.members().unwrap_or_default()))
            }
            Err(error) => Err(broker_error(&attempted, &error)),
        }
    }

    /// Who is in the group.
    fn members(&self) -> Result<Vec<String>, BrokerError> {
        let attempted = format!("ask for the members of the group `{}`", self.group);
        let found = self.client.fetch_group_list(Some(&self.group), ANSWER).map_err(|error| broker_error(&attempted, &error))?;
        let members = found.groups().iter().flat_map(|group| group.members());
        Ok(members.map(|member| text(|| format!("`{}` on {}", member.client_id(), member.client_host().trim_start_matches('/')))).collect())
    }
}

/// What foreign clients call themselves need not be text, and rdkafka insists that it is.
pub(super) fn text(read: impl FnOnce() -> String) -> String {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| "one without a readable name".to_owned())
}

fn list(places: &[Place], at: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places {
        let _ = list.add_partition_offset(topic, *partition, at);
    }
    list
}

fn occupied(attempted: &str, members: &[String]) -> BrokerError {
    let who = if members.is_empty() { "a member came just now".to_owned() } else { members.join(", ") };
    let message = format!(
        "could not {attempted} while it has members, whose own place would overwrite the new one: {who}; stop them first (one that crashed leaves after its `session_timeout`)"
    );
    BrokerError::new(BrokerErrorKind::Refused, message)
}

/// Of a group that nobody declared.
pub(super) fn unknown_group(attempted: &str, group: &str) -> BrokerError {
    let message = format!(
        "could not {attempted}: there is no group `{group}` on Kafka; it is made by the first start of the service, or by `topology apply`"
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}

/// Every place of these topics.
pub(super) fn places<'a>(topics: impl IntoIterator<Item = (&'a str, usize)>) -> Vec<Place> {
    let of = |(topic, partitions): (&str, usize)| {
        let topic: Arc<str> = topic.into();
        (0..i32::try_from(partitions).unwrap_or(i32::MAX)).map(move |partition| (Arc::clone(&topic), partition)).collect::<Vec<_>>()
    };
    topics.into_iter().flat_map(of).collect()
}
