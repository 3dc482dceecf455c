//! Masters that share the keys, and replicas that step in for them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Redis, RedisBuilder};
use crate::testing::servers::{Port, ServerError, url};

const MASTERS: usize = 3;
/// How many slots there are.
const SLOTS: usize = 16_384;
const PAUSE: Duration = Duration::from_millis(50);
/// After so long a silent node counts as gone, in milliseconds.
const NODE_TIMEOUT: u32 = 1500;

/// A Redis Cluster: three masters with a third of the slots each, on free ports of loopback, and a replica for each if asked for.
///
/// The servers are [`Redis`] like any other: each can be killed, paused and restarted on the same data. Replication is asynchronous: a failover may
/// lose what was answered.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, as it was begun, then the replicas in the same order.
    nodes: Vec<Redis>,
    /// Those of the bus, which are neither the servers' own.
    _bus: Vec<Port>,
    tls: bool,
}

impl RedisCluster {
    /// Starts three masters and returns when all slots are served.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start() -> Result<Self, ServerError> {
        Self::begin(false, false).await
    }

    /// Starts three masters, and a replica of each that takes its place when it is gone for one and a half seconds.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn with_replicas() -> Result<Self, ServerError> {
        Self::begin(true, false).await
    }

    /// Starts three masters that speak TLS, to each other as well, and verify certificates that clients show.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn with_tls() -> Result<Self, ServerError> {
        Self::begin(false, true).await
    }

    async fn begin(replicas: bool, tls: bool) -> Result<Self, ServerError> {
        let count = if replicas { 2 * MASTERS } else { MASTERS };
        let mut cluster = Self { nodes: Vec::new(), _bus: Vec::new(), tls };
        for _ in 0..count {
            let bus = Port::reserve()?;
            let mut builder = if tls { node(bus.number()).tls(true).config("tls-cluster yes") } else { node(bus.number()) };
            builder.shared_certificates = cluster.nodes.first().and_then(|first| first.certificates().cloned());
            cluster.nodes.push(builder.start().await?);
            cluster._bus.push(bus);
        }
        cluster.assemble().await?;
        Ok(cluster)
    }

    async fn assemble(&self) -> Result<(), ServerError> {
        for (index, node) in self.nodes.iter().enumerate() {
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]).await?;
            if index < MASTERS {
                let (first, last) = (SLOTS * index / MASTERS, SLOTS * (index + 1) / MASTERS - 1);
                node.cli(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]).await?;
            }
        }
        for (node, bus) in self.nodes.iter().zip(&self._bus) {
            let address = self.address(node);
            let (ip, port, bus) = (address.ip().to_string(), address.port().to_string(), bus.number().to_string());
            self.nodes[0].cli(&["CLUSTER", "MEET", &ip, &port, &bus]).await?;
        }
        self.until(Condition::Known(self.nodes.len())).await?;
        for (replica, master) in self.nodes[MASTERS..].iter().zip(&self.nodes) {
            let master = master.cli(&["CLUSTER", "MYID"]).await?;
            replica.cli(&["CLUSTER", "REPLICATE", master.trim()]).await?;
        }
        self.ready().await
    }

    /// Returns when all nodes that run say that all slots are served, and replicas are in step.
    ///
    /// # Errors
    /// [`ServerError::Timeout`] when that does not come to be.
    pub async fn ready(&self) -> Result<(), ServerError> {
        self.until(Condition::Served).await?;
        self.until(Condition::InStep).await
    }

    /// Of each node that runs.
    async fn until(&self, condition: Condition) -> Result<(), ServerError> {
        let deadline = Instant::now() + Duration::from_secs(60);
        for node in self.nodes.iter().filter(|node| node.pid().is_some()) {
            while !condition.holds(node).await? {
                if Instant::now() > deadline {
                    return Err(node.node.daemon.timeout(format!("{condition:?} of the cluster")));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    fn address(&self, node: &Redis) -> SocketAddr {
        if self.tls { node.tls_address().unwrap_or_else(|| node.address()) } else { node.address() }
    }

    /// `redis://default:password@127.0.0.1:port,127.0.0.1:port,..?cluster=true`, or with `rediss`.
    #[must_use]
    pub fn url(&self) -> String {
        let addresses: Vec<String> = self.nodes.iter().map(|node| self.address(node).to_string()).collect();
        let (scheme, password) = (if self.tls { "rediss" } else { "redis" }, url::encode(&self.nodes[0].node.options().password));
        format!("{scheme}://default:{password}@{}?cluster=true", addresses.join(","))
    }

    /// The servers: at first the masters are the first three, and the replica of number `n` is number `n + 3`.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The number of the master that has the slot of a key, as the nodes that run see it; none when nobody has it.
    ///
    /// # Errors
    /// [`ServerError`] when a node does not answer.
    pub async fn master_of(&self, key: &str) -> Result<Option<usize>, ServerError> {
        let Some(asked) = self.nodes.iter().find(|node| node.pid().is_some()) else { return Ok(None) };
        let slot: usize = asked.cli(&["CLUSTER", "KEYSLOT", key]).await?.trim().parse().unwrap_or(SLOTS);
        let nodes = asked.cli(&["CLUSTER", "NODES"]).await?;
        // Asked without TLS, they tell their ports without it.
        let master = nodes.lines().find(|line| serves(line, slot)).and_then(port_of);
        Ok(master.and_then(|port| self.nodes.iter().position(|node| node.address().port() == port)))
    }

    /// Moves the slot of a key, with what it holds, from the node that has it to another, key by key.
    ///
    /// # Errors
    /// [`ServerError`] when a node refuses or does not run.
    ///
    /// # Panics
    /// With TLS: `MIGRATE` is done without it.
    pub async fn move_slot_of(&self, key: &str, to: usize) -> Result<(), ServerError> {
        assert!(!self.tls, "moving slots is for clusters without TLS");
        let Some(from) = self.master_of(key).await? else { return Ok(()) };
        let slot = self.nodes[from].cli(&["CLUSTER", "KEYSLOT", key]).await?.trim().to_owned();
        let (source, target) = (self.nodes[from].cli(&["CLUSTER", "MYID"]).await?, self.nodes[to].cli(&["CLUSTER", "MYID"]).await?);
        let (source, target) = (source.trim(), target.trim());
        self.nodes[to].cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", source]).await?;
        self.nodes[from].cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", target]).await?;
        self.empty_slot(&slot, from, to).await?;
        for node in [to, from] {
            self.nodes[node].cli(&["CLUSTER", "SETSLOT", &slot, "NODE", target]).await?;
        }
        Ok(())
    }

    async fn empty_slot(&self, slot: &str, from: usize, to: usize) -> Result<(), ServerError> {
        let (address, password) = (self.nodes[to].address(), self.nodes[to].node.options().password.clone());
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        loop {
            let keys = self.nodes[from].cli(&["CLUSTER", "GETKEYSINSLOT", slot, "1"]).await?;
            let Some(key) = keys.lines().next().filter(|key| !key.is_empty()) else { return Ok(()) };
            self.nodes[from].cli(&["MIGRATE", &ip, &port, "", "0", "5000", "AUTH", &password, "KEYS", key]).await?;
        }
    }
}

/// What a node says when it is as it should be.
#[derive(Clone, Copy, Debug)]
enum Condition {
    /// It knows so many nodes.
    Known(usize),
    /// All slots are served.
    Served,
    /// It has what its master has, if it is a replica.
    InStep,
}

impl Condition {
    async fn holds(self, node: &Redis) -> Result<bool, ServerError> {
        Ok(match self {
            Self::Known(count) => info(node, "cluster_known_nodes").await? == count.to_string(),
            Self::Served => info(node, "cluster_state").await? == "ok",
            Self::InStep => {
                let state = node.cli(&["INFO", "replication"]).await?;
                !state.contains("role:slave") || state.contains("master_link_status:up")
            }
        })
    }
}

fn node(bus: u16) -> RedisBuilder {
    let builder = Redis::builder().config("cluster-enabled yes").config(format!("cluster-port {bus}"));
    let builder = builder.config(format!("cluster-node-timeout {NODE_TIMEOUT}")).config("masterauth secret");
    // A replica steps in however old its data is, and one that was killed and comes back is never left without a master.
    builder.config("cluster-replica-validity-factor 0").config("cluster-allow-replica-migration no")
}

async fn info(node: &Redis, name: &str) -> Result<String, ServerError> {
    let all = node.cli(&["CLUSTER", "INFO"]).await?;
    let value = all.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
    Ok(value.unwrap_or_default().to_owned())
}

/// `id ip:port@bus flags master ping pong epoch link slots..`.
fn serves(line: &str, slot: usize) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_master = words.get(2).is_some_and(|flags| flags.contains("master") && !flags.split(',').any(|flag| flag == "fail"));
    is_master
        && words.iter().skip(8).any(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse().is_ok_and(|first: usize| first <= slot) && last.parse().is_ok_and(|last: usize| slot <= last)
        })
}

fn port_of(line: &str) -> Option<u16> {
    line.split_whitespace().nth(1)?.split_once('@')?.0.rsplit_once(':')?.1.parse().ok()
}
