//! The URL of a Redis server and its options.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::broker::Capabilities;
use crate::broker::url::join_hosts;

pub(super) use crate::broker::url::config_error;

/// How long replicas may take, where nothing is said.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// Where and how to connect: `redis://user:password@host:6379/0?option=value&..`.
///
/// The path is the number of the database, 0 when left out; without a user it is Redis's `default`, without a
/// password nobody logs in. `rediss://` needs the feature `redis-tls`. The options:
///
/// | option | default | meaning |
/// |---|---|---|
/// | `prefix` | `comms` | what all keys begin with |
/// | `durable` | `false` | `true` declares the capability durable: the server must have `appendonly yes` and `appendfsync always`, which is checked at each connection |
/// | `retain` | `10000` | how many settled messages a topic keeps for groups that begin with the earliest; what a group has not settled is always kept |
/// | `lease` | `30s` | a member that has not renewed its lease for so long is taken for dead, and others get what it held; at least four times `heartbeat` |
/// | `heartbeat` | `5s` | a server that does not answer for twice as long is taken for lost |
/// | `connection_name` | the service's name | what the server shows (`CLIENT LIST`) |
/// | `connect_timeout` | `10s` | how long the first connection is tried for |
/// | `publish_timeout` | `30s` | how long a publish may wait when its message has no deadline |
/// | `window` | `1024` | how many messages may be published and not yet confirmed |
/// | `wait` | `0` | a message counts as confirmed only once so many replicas have it; otherwise its outcome is unknown |
/// | `wait_timeout` | `1s` | how long the replicas may take for that; shorter than `heartbeat` |
/// | `max_message` | `16MiB` | larger payloads are refused before they are sent |
/// | `cluster` | `false` | `true`: the servers in the URL are nodes of a Redis Cluster, `redis://n1,n2:6379?cluster=true` |
/// | `hash_tag` | `word` | for a cluster: `word` spreads the topics over the nodes by their first words, `prefix` keeps all on one node; the same for all services |
/// | `sentinel` | | the name by which sentinels know the master: the servers in the URL are sentinels then, `redis://s1,s2:26379/0?sentinel=main` |
/// | `sentinel_user`, `sentinel_password` | | what the sentinels want, if anything |
/// | `ca`, `cert`, `key` | | PEM files for TLS: authority to trust, client certificate and its key |
///
/// Neither `Debug` nor `Display` nor any error shows the password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisConfig {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The user of the ACL; `default` when there is none.
    pub user: Option<String>,
    pub(super) password: Option<String>,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name of the master, if it is to be asked of sentinels.
    pub sentinel: Option<String>,
    /// The sentinels to ask.
    pub sentinels: Vec<(String, u16)>,
    /// The user that sentinels know; `default` when there is none.
    pub sentinel_user: Option<String>,
    pub(super) sentinel_password: Option<String>,
    /// The nodes of a cluster that are asked first; none for a single server.
    pub nodes: Vec<(String, u16)>,
    /// Whether the server is a cluster.
    pub cluster: bool,
    /// What is kept on one node of a cluster.
    pub hash_tag: HashTag,
    /// The number of the database.
    pub database: u32,
    /// What all keys begin with.
    pub prefix: String,
    /// Whether the server has to have every write on disk before it answers.
    pub durable: bool,
    /// How many settled messages a topic keeps.
    pub retain: u64,
    /// When a silent member is taken for dead.
    pub lease: Duration,
    /// How often the server is asked whether it is there.
    pub heartbeat: Duration,
    /// What the server shows for the connection.
    pub connection_name: Option<String>,
    /// How long the first connection is tried for.
    pub connect_timeout: Duration,
    /// How long a publish may wait when its message has no deadline.
    pub publish_timeout: Duration,
    /// How many messages may be published and not yet confirmed.
    pub window: usize,
    /// How many replicas must have a message before it counts as confirmed.
    pub wait: usize,
    /// How long they may take.
    pub wait_timeout: Duration,
    /// The largest payload in bytes.
    pub max_message: usize,
    /// PEM file with the authorities to trust.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file with the key of the client's certificate.
    pub key: Option<PathBuf>,
}

/// What of a Redis Cluster shares a slot, and so a node: what is in the braces of a key. All services must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashTag {
    /// The topics with the same first word, and the groups of those: `orders` apart from `invoices`. A pattern has to begin with a word.
    #[default]
    Word,
    /// Everything under the prefix. Any pattern will do; one node does all the work, and its replica steps in.
    Prefix,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            tls: false,
            user: None,
            password: None,
            host: "localhost".to_owned(),
            port: 6379,
            sentinel: None,
            sentinels: Vec::new(),
            sentinel_user: None,
            sentinel_password: None,
            nodes: Vec::new(),
            cluster: false,
            hash_tag: HashTag::Word,
            database: 0,
            prefix: "comms".to_owned(),
            durable: false,
            retain: 10_000,
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(5),
            connection_name: None,
            connect_timeout: Duration::from_secs(10),
            publish_timeout: Duration::from_secs(30),
            window: 1024,
            wait: 0,
            wait_timeout: WAIT,
            max_message: 16 << 20,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl RedisConfig {
    /// What the server has to be able to do.
    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities { durable: self.durable, replayable: true, delayed: true, ..Capabilities::none() }
    }

    /// For a person: where the server is, or who knows.
    pub(super) fn place(&self) -> String {
        let asked = if self.cluster { &self.nodes } else { &self.sentinels };
        if asked.is_empty() { join_hosts(&[(self.host.clone(), self.port)]) } else { join_hosts(asked) }
    }
}

impl fmt::Display for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let user = self.user.as_deref().unwrap_or("default");
        write!(f, "{scheme}://{user}@{}/{}", self.place(), self.database)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisConfig").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
