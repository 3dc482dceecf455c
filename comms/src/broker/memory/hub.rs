//! What all connections to one memory broker share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;

use super::config::MemoryConfig;
use super::counters::{Counters, InFlight};
use super::group::Group;
use crate::broker::{BrokerError, BrokerErrorKind, Receipt, StartPosition, Subscription, validate_topic};
use crate::message::Envelope;

/// The groups that a topic reaches.
pub(super) type Route = Arc<[Arc<Group>]>;

/// Routes are found once per topic; a service that makes up topics without end starts the memory afresh.
const CACHED_ROUTES: usize = 10_000;

/// A message that was published, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Published {
    /// The message.
    pub envelope: Arc<Envelope>,
    /// The answer to its publisher.
    pub receipt: Receipt,
}

#[derive(Debug)]
pub(super) struct Hub {
    pub(super) config: MemoryConfig,
    pub(super) counters: Arc<Counters>,
    ids: AtomicU64,
    topics: Mutex<Topics>,
    record: Mutex<VecDeque<Published>>,
}

#[derive(Debug, Default)]
pub(super) struct Topics {
    groups: Vec<Arc<Group>>,
    routes: HashMap<Arc<str>, Route>,
    log: VecDeque<Logged>,
}

/// A message that the log keeps.
#[derive(Debug)]
struct Logged {
    published: Timestamp,
    envelope: Arc<Envelope>,
}

/// The brokers that have a name; each lives as long as its last connection.
static NAMED: LazyLock<Mutex<HashMap<String, Weak<Hub>>>> = LazyLock::new(Mutex::default);

impl Hub {
    pub(super) fn new(config: MemoryConfig) -> Arc<Self> {
        Arc::new(Self { config, counters: Arc::default(), ids: AtomicU64::new(1), topics: Mutex::default(), record: Mutex::default() })
    }

    /// The broker of that name, made when there is none. Options, when given, must be those it was made with.
    pub(super) fn named(name: &str, config: Option<MemoryConfig>) -> Result<Arc<Self>, BrokerError> {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = named.get(name).and_then(Weak::upgrade) {
            return match config {
                Some(config) if config != hub.config => Err(other_options(name, &hub.config)),
                _ => Ok(hub),
            };
        }
        named.retain(|_, hub| hub.strong_count() > 0);
        let hub = Self::new(config.unwrap_or_default());
        named.insert(name.to_owned(), Arc::downgrade(&hub));
        Ok(hub)
    }

    /// An id that no connection or member of this broker has had.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the message goes. What the log keeps is entered in the same moment, so that a group which starts
    /// with the earliest gets each message once: from the log or by the route.
    pub(super) fn route(&self, envelope: &Arc<Envelope>) -> Result<Route, BrokerError> {
        let mut topics = self.topics();
        let route = topics.route(&envelope.topic)?;
        self.log(&mut topics, envelope);
        Ok(route)
    }

    /// Where a message of the topic would go.
    pub(super) fn route_of(&self, topic: &Arc<str>) -> Result<Route, BrokerError> {
        self.topics().route(topic)
    }

    pub(super) fn log(&self, topics: &mut Topics, envelope: &Arc<Envelope>) {
        if self.config.log > 0 {
            keep_last(&mut topics.log, self.config.log, Logged { published: Timestamp::now(), envelope: Arc::clone(envelope) });
        }
    }

    pub(super) fn record(&self, envelope: &Arc<Envelope>, receipt: Receipt) {
        if self.config.record > 0 {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            keep_last(&mut record, self.config.record, Published { envelope: Arc::clone(envelope), receipt });
        }
    }

    pub(super) fn published(&self) -> Vec<Published> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The group of the subscription, made when there is none.
    pub(super) fn declare(&self, subscription: &Subscription) -> Result<Arc<Group>, BrokerError> {
        let mut topics = self.topics();
        self.check(&topics, subscription)?;
        Ok(self.make(&mut topics, subscription).0)
    }

    /// Makes the groups that are missing, or none when one can't be as it is declared; returns those that were made. What is ephemeral
    /// belongs to a connection that consumes, and is left out.
    pub(super) fn declare_all(&self, subscriptions: &[Arc<Subscription>]) -> Result<Vec<Arc<Group>>, BrokerError> {
        let mut topics = self.topics();
        let lasting = || subscriptions.iter().filter(|subscription| !subscription.ephemeral);
        lasting().try_for_each(|subscription| self.check(&topics, subscription))?;
        let made = lasting().filter_map(|subscription| {
            let (group, is_new) = self.make(&mut topics, subscription);
            is_new.then_some(group)
        });
        Ok(made.collect())
    }

    fn check(&self, topics: &Topics, subscription: &Subscription) -> Result<(), BrokerError> {
        if subscription.from == StartPosition::Earliest && self.config.log == 0 {
            return Err(no_log(subscription));
        }
        topics.group(&subscription.name()).map_or(Ok(()), |group| same_shape(group, subscription))
    }

    /// The group, and whether it is new.
    fn make(&self, topics: &mut Topics, subscription: &Subscription) -> (Arc<Group>, bool) {
        if let Some(group) = topics.group(&subscription.name()) {
            return (Arc::clone(group), false);
        }
        let group = Arc::new(Group::new(subscription, self.config.capacity, Arc::clone(&self.counters)));
        if subscription.from == StartPosition::Earliest {
            group.put_all(
                topics.log.iter().map(|logged| &logged.envelope).filter(|envelope| group.pattern.matches(&envelope.topic)).cloned(),
            );
        }
        topics.groups.push(Arc::clone(&group));
        topics.routes.clear();
        (group, true)
    }

    /// Makes a group hold what the log has from the time on, and nothing else; no time stands for nothing of it.
    ///
    /// # Errors
    /// When the group has members.
    pub(super) fn rewind(&self, group: &Group, from: Option<Timestamp>) -> Result<(), BrokerError> {
        let topics = self.topics();
        let meant = topics.log.iter().filter(|logged| from.is_some_and(|from| logged.published >= from));
        group.begin_anew(meant.map(|logged| &logged.envelope).filter(|envelope| group.pattern.matches(&envelope.topic)).cloned())
    }

    pub(super) fn remove(&self, group: &Arc<Group>) {
        let mut topics = self.topics();
        topics.groups.retain(|candidate| !Arc::ptr_eq(candidate, group));
        topics.routes.clear();
    }

    pub(super) fn groups(&self) -> Vec<Arc<Group>> {
        self.topics().groups.clone()
    }

    pub(super) fn group(&self, subscription: &Subscription) -> Option<Arc<Group>> {
        self.topics().group(&subscription.name()).cloned()
    }

    pub(super) fn in_flight(&self) -> InFlight {
        self.groups().iter().map(|group| group.in_flight()).fold(InFlight::default(), |sum, one| InFlight {
            queued: sum.queued + one.queued,
            delayed: sum.delayed + one.delayed,
            unsettled: sum.unsettled + one.unsettled,
        })
    }
}

impl Topics {
    fn group(&self, name: &str) -> Option<&Arc<Group>> {
        self.groups.iter().find(|group| group.name == name)
    }

    pub(super) fn route(&mut self, topic: &Arc<str>) -> Result<Route, BrokerError> {
        if let Some(route) = self.routes.get(topic) {
            return Ok(Arc::clone(route));
        }
        validate_topic(topic).map_err(|error| {
            BrokerError::new(BrokerErrorKind::Topology, format!("could not publish to the topic `{topic}`")).with_source(error)
        })?;
        let route: Route = self.groups.iter().filter(|group| group.pattern.matches(topic)).cloned().collect();
        if self.routes.len() >= CACHED_ROUTES {
            self.routes.clear();
        }
        self.routes.insert(Arc::clone(topic), Arc::clone(&route));
        Ok(route)
    }
}

fn keep_last<T>(kept: &mut VecDeque<T>, limit: usize, value: T) {
    if kept.len() >= limit {
        kept.pop_front();
    }
    kept.push_back(value);
}

/// Whether a subscription fits the group that exists under its name; the error names what differs.
pub(super) fn same_shape(group: &Group, subscription: &Subscription) -> Result<(), BrokerError> {
    let differs = |what: &str, is: String, declared: String| {
        let message = format!(
            "could not declare the subscription `{}`: its group exists with {what} {is}, and is declared with {declared}; use another group, or remove the old one",
            group.name
        );
        Err(BrokerError::new(BrokerErrorKind::Topology, message))
    };
    if group.order != subscription.order {
        return differs("order", shards(group.order), shards(subscription.order));
    }
    if group.ephemeral != subscription.ephemeral {
        return differs("ephemeral", group.ephemeral.to_string(), subscription.ephemeral.to_string());
    }
    Ok(())
}

fn shards(order: Option<crate::broker::Order>) -> String {
    order.map_or_else(|| "none".to_owned(), |order| format!("of {} shards", order.shards))
}

fn no_log(subscription: &Subscription) -> BrokerError {
    BrokerError::new(
        BrokerErrorKind::Unsupported,
        format!(
            "could not subscribe `{}` from the earliest message: this memory broker keeps no log; write `memory:?log=N` to keep the last N messages",
            subscription.name()
        ),
    )
}

fn other_options(name: &str, config: &MemoryConfig) -> BrokerError {
    BrokerError::new(
        BrokerErrorKind::Config,
        format!(
            "could not open the memory broker `{name}`: it is open in this process with other options ({config:?}); write them in one place only"
        ),
    )
}
