//! What all connections to one memory broker share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

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
struct Topics {
    groups: Vec<Arc<Group>>,
    routes: HashMap<Arc<str>, Route>,
    log: VecDeque<Arc<Envelope>>,
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

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the message goes. What the log keeps is entered in the same moment, so that a group which starts
    /// with the earliest gets each message once: from the log or by the route.
    pub(super) fn route(&self, envelope: &Arc<Envelope>) -> Result<Route, BrokerError> {
        let mut topics = self.topics();
        let route = topics.route(&envelope.topic)?;
        if self.config.log > 0 {
            keep_last(&mut topics.log, self.config.log, Arc::clone(envelope));
        }
        Ok(route)
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
        if subscription.from == StartPosition::Earliest && self.config.log == 0 {
            return Err(no_log(subscription));
        }
        let mut topics = self.topics();
        let name = subscription.name();
        if let Some(group) = topics.groups.iter().find(|group| group.name == name) {
            return same_shape(group, subscription).map(|()| Arc::clone(group));
        }
        let group = Arc::new(Group::new(subscription, self.config.capacity, Arc::clone(&self.counters)));
        if subscription.from == StartPosition::Earliest {
            group.put_all(topics.log.iter().filter(|envelope| group.pattern.matches(&envelope.topic)).cloned());
        }
        topics.groups.push(Arc::clone(&group));
        topics.routes.clear();
        Ok(group)
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
        let name = subscription.name();
        self.topics().groups.iter().find(|group| group.name == name).cloned()
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
    fn route(&mut self, topic: &Arc<str>) -> Result<Route, BrokerError> {
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
