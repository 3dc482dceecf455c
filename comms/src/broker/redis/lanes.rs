//! A broker as one server, or as the slots of a cluster that it has to do with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::RedisConfig;
use super::cluster::{Nodes, Slot};
use super::config::HashTag;
use super::dialer::Dialer;
use super::fields::text;
use super::keys::Keys;
use super::shared::{Parts, Shared};
use super::to::To;
use crate::broker::{BrokerError, BrokerErrorKind, ConnectionState, Publishing, Subscription};
use crate::message::Envelope;

/// What everything goes over: to one server a single lane, to a cluster one for each tag of its keys. A lane has connections of its
/// own, which go where the slot goes, so that a node that is lost holds up nothing on the others.
#[derive(Debug)]
pub(super) struct Lanes {
    /// The only one; of a spread cluster that which says whether the cluster is there.
    pub(super) home: Arc<Shared>,
    spread: Option<Spread>,
}

/// The lanes of the first words of topics, as they come up.
#[derive(Debug)]
struct Spread {
    name: String,
    to: To,
    nodes: Arc<Nodes>,
    runtime: Handle,
    lanes: Mutex<BTreeMap<String, Arc<Shared>>>,
}

impl Lanes {
    pub(super) async fn connect(config: Arc<RedisConfig>, service: &str, to: To) -> Result<Self, BrokerError> {
        let name = config.connection_name.clone().unwrap_or_else(|| service.replace(|c: char| c.is_whitespace() || c.is_control(), "-"));
        let (nodes, stopping) = (Arc::new(Nodes::default()), CancellationToken::new());
        let parts = match config.cluster {
            true => on_cluster(&config, &name, &config.prefix, to, &nodes, stopping),
            false => Parts {
                dialer: Dialer { config: Arc::clone(&config), name: name.clone(), slot: None },
                keys: Keys::new(&config.prefix),
                to,
                stopping,
            },
        };
        let home = Arc::new(Shared::connect(parts).await?);
        let spread = (config.cluster && config.hash_tag == HashTag::Word).then(|| Spread {
            name,
            to,
            nodes,
            runtime: Handle::current(),
            lanes: Mutex::default(),
        });
        let lanes = Self { home, spread };
        if config.cluster && matches!(to, To::Streams(_)) {
            lanes.expect_tag().await?;
        }
        Ok(lanes)
    }

    /// Services that do not agree on the tag would publish past each other.
    async fn expect_tag(&self) -> Result<(), BrokerError> {
        let (shared, attempted) = (&self.home, "look how the cluster's slots are used");
        let key = format!("{}:cluster", shared.keys.prefix());
        let tag = match shared.config.hash_tag {
            HashTag::Word => "word",
            HashTag::Prefix => "prefix",
        };
        let agree = || async {
            shared.link.ask(attempted, redis::cmd("HSETNX").arg(&key).arg("hash_tag").arg(tag)).await?;
            shared.link.ask(attempted, redis::cmd("HGET").arg(&key).arg("hash_tag")).await
        };
        let found = text(shared.patiently(attempted, agree).await?).unwrap_or_default();
        if found == tag {
            return Ok(());
        }
        let message = format!(
            "the URL says `hash_tag={tag}`, but under the prefix `{}` the cluster is used with `hash_tag={found}` (`HGET {key} hash_tag`): say the same everywhere, or choose another `prefix`",
            shared.config.prefix
        );
        Err(BrokerError::new(BrokerErrorKind::Topology, message))
    }

    pub(super) fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'static> {
        match &self.spread {
            None => self.home.publish(envelope),
            Some(spread) => self.lane(spread, first_word(&envelope.topic)).publish(envelope),
        }
    }

    /// That of a topic.
    pub(super) fn of_topic(&self, topic: &str) -> Arc<Shared> {
        match &self.spread {
            None => Arc::clone(&self.home),
            Some(spread) => self.lane(spread, first_word(topic)),
        }
    }

    /// That of a subscription, whose topics have to share one.
    pub(super) fn of(&self, subscription: &Subscription) -> Result<Arc<Shared>, BrokerError> {
        match (&self.spread, first_word(subscription.topic.as_str())) {
            (Some(_), "*" | "#") => Err(everywhere(subscription)),
            _ => Ok(self.of_topic(subscription.topic.as_str())),
        }
    }

    /// Those of the subscriptions, each once.
    pub(super) fn of_all(&self, subscriptions: &[&Subscription]) -> Result<Vec<Arc<Shared>>, BrokerError> {
        let mut all: Vec<Arc<Shared>> = Vec::new();
        for subscription in subscriptions {
            let lane = self.of(subscription)?;
            if !all.iter().any(|known| Arc::ptr_eq(known, &lane)) {
                all.push(lane);
            }
        }
        Ok(all)
    }

    fn lane(&self, spread: &Spread, word: &str) -> Arc<Shared> {
        let mut lanes = spread.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(word) {
            return Arc::clone(lane);
        }
        // Nothing begins any more; this one says so.
        if self.home.stopping.is_cancelled() {
            return Arc::clone(&self.home);
        }
        let _within = spread.runtime.enter();
        let parts = on_cluster(&self.home.config, &spread.name, word, spread.to, &spread.nodes, self.home.stopping.clone());
        let lane = Arc::new(Shared::begin(parts));
        lanes.insert(word.to_owned(), Arc::clone(&lane));
        lane
    }

    fn all(&self) -> Vec<Arc<Shared>> {
        let others = self
            .spread
            .iter()
            .flat_map(|spread| spread.lanes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect::<Vec<_>>());
        std::iter::once(Arc::clone(&self.home)).chain(others).collect()
    }

    /// The worst of all.
    pub(super) fn state(&self) -> ConnectionState {
        if self.home.stopping.is_cancelled() {
            return ConnectionState::Closed;
        }
        let mut states = self.all().into_iter().map(|lane| lane.link.describe());
        states.find(|state| *state != ConnectionState::Connected).unwrap_or(ConnectionState::Connected)
    }

    pub(super) async fn close(&self) {
        self.home.stopping.cancel();
        let all = self.all();
        join_all(all.iter().map(|lane| lane.close())).await;
    }
}

/// Everything ends by itself.
impl Drop for Lanes {
    fn drop(&mut self) {
        self.home.stopping.cancel();
        self.all().iter().for_each(|lane| lane.abandon());
    }
}

fn on_cluster(config: &Arc<RedisConfig>, name: &str, tag: &str, to: To, nodes: &Arc<Nodes>, stopping: CancellationToken) -> Parts {
    let keys = Keys::tagged(&config.prefix, tag);
    let slot = Slot::of(tag, keys.topics(), Arc::clone(nodes));
    Parts { dialer: Dialer { config: Arc::clone(config), name: name.to_owned(), slot: Some(slot) }, keys, to, stopping }
}

fn first_word(topic: &str) -> &str {
    topic.split_once('.').map_or(topic, |(word, _)| word)
}

fn everywhere(subscription: &Subscription) -> BrokerError {
    let message = format!(
        "could not use the subscription `{}`: its pattern begins with a placeholder, and a Redis Cluster keeps topics with different first words on different nodes; begin it with a word, or have all kept on one node: `hash_tag=prefix` in the URL of every service",
        subscription.name()
    );
    BrokerError::new(BrokerErrorKind::Unsupported, message)
}
