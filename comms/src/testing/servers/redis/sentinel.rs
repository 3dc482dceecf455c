//! A master with a replica, and sentinels that watch over them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Redis, RedisBuilder};
use crate::testing::servers::{Certificates, ServerError, url};

/// What the sentinels call the master.
const NAME: &str = "main";
const PAUSE: Duration = Duration::from_millis(50);

/// Options of a [`RedisSentinel`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing runs until `start` is called"]
pub struct RedisSentinelBuilder {
    /// Empty for none.
    password: String,
    users: Vec<String>,
    tls: bool,
}

impl RedisSentinelBuilder {
    /// What the sentinels want from their user `default`, and from each other. Default: nothing.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Adds a user of the sentinels by a rule of Redis's ACL, for instance `asker on >pw -@all +sentinel|get-master-addr-by-name`.
    pub fn user(mut self, rule: impl Into<String>) -> Self {
        self.users.push(rule.into());
        self
    }

    /// Whether servers and sentinels speak TLS, to clients and to each other. Default: no.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Starts all and returns when the sentinels agree and know the replica.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start(self) -> Result<RedisSentinel, ServerError> {
        let master = self.server(None).start().await?;
        let certificates = master.certificates().cloned();
        let replica = self.server(certificates.clone()).config(self.replica_of(&master)).start().await?;
        let mut setup = RedisSentinel { sentinels: Vec::new(), servers: vec![master, replica], options: self };
        setup
            .until("the replica being in step", async |setup: &RedisSentinel| {
                Ok(setup.servers[0].cli(&["INFO", "replication"]).await?.contains("state=online"))
            })
            .await?;
        for _ in 0..3 {
            setup.sentinels.push(setup.options.sentinel(&setup.servers[0], certificates.clone()).start().await?);
        }
        setup.until("the sentinels agreeing", async |setup: &RedisSentinel| setup.agrees().await).await?;
        Ok(setup)
    }

    fn server(&self, certificates: Option<Certificates>) -> RedisBuilder {
        self.secured(Redis::builder().config("masterauth secret"), certificates)
    }

    fn replica_of(&self, master: &Redis) -> String {
        let address = address(self, master);
        format!("replicaof {} {}", address.ip(), address.port())
    }

    fn secured(&self, builder: RedisBuilder, certificates: Option<Certificates>) -> RedisBuilder {
        if !self.tls {
            return builder;
        }
        let mut builder = builder.tls(true).config("tls-replication yes");
        builder.shared_certificates = certificates;
        builder
    }

    fn sentinel(&self, master: &Redis, certificates: Option<Certificates>) -> RedisBuilder {
        let address = address(self, master);
        let mut builder = self.secured(Redis::builder(), certificates).password(&self.password);
        builder.is_sentinel = true;
        builder.users.clone_from(&self.users);
        builder
            .config(format!("sentinel monitor {NAME} {} {} 2", address.ip(), address.port()))
            .config(format!("sentinel auth-pass {NAME} {}", master.node.options().password))
            .config(format!("sentinel down-after-milliseconds {NAME} 1000"))
            .config(format!("sentinel failover-timeout {NAME} 5000"))
    }
}

fn address(options: &RedisSentinelBuilder, server: &Redis) -> SocketAddr {
    if options.tls { server.tls_address().unwrap_or_else(|| server.address()) } else { server.address() }
}

/// Two Redis servers, of which one replicates the other, and three sentinels that put it in the master's place when that is gone for
/// a second. Replication is asynchronous: a failover may lose what was answered.
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: Vec<Redis>,
    servers: Vec<Redis>,
    options: RedisSentinelBuilder,
}

impl RedisSentinel {
    /// Starts them with the defaults of [`RedisSentinel::builder`].
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start() -> Result<Self, ServerError> {
        Self::builder().start().await
    }

    /// Options: a password and users of the sentinels, TLS.
    pub fn builder() -> RedisSentinelBuilder {
        RedisSentinelBuilder::default()
    }

    async fn agrees(&self) -> Result<bool, ServerError> {
        for sentinel in &self.sentinels {
            let (quorum, replicas) =
                (sentinel.cli(&["SENTINEL", "CKQUORUM", NAME]).await?, sentinel.cli(&["SENTINEL", "REPLICAS", NAME]).await?);
            if !quorum.starts_with("OK 3 usable") || !replicas.contains("master-link-status\nok") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> Result<bool, ServerError>) -> Result<(), ServerError> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds(self).await? {
            if Instant::now() > deadline {
                return Err(self.servers[0].node.daemon.timeout(what.to_owned()));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// `redis://default:password@127.0.0.1:port,127.0.0.1:port,127.0.0.1:port/0?sentinel=main`: the sentinels, and what they call the master;
    /// `rediss` for those with TLS. What the sentinels want from a user is for the caller to add: `sentinel_user`, `sentinel_password`.
    #[must_use]
    pub fn url(&self) -> String {
        let addresses: Vec<String> = self.sentinels.iter().map(|sentinel| address(&self.options, sentinel).to_string()).collect();
        let (scheme, password) = (if self.options.tls { "rediss" } else { "redis" }, url::encode(&self.servers[0].node.options().password));
        format!("{scheme}://default:{password}@{}/0?sentinel={NAME}", addresses.join(","))
    }

    /// The servers: at first the master is number 0.
    #[must_use]
    pub fn servers(&self) -> &[Redis] {
        &self.servers
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[Redis] {
        &self.sentinels
    }

    /// Where the sentinels say the master is.
    ///
    /// # Errors
    /// [`ServerError`] when the first sentinel does not answer.
    pub async fn master(&self) -> Result<Option<SocketAddr>, ServerError> {
        let answer = self.sentinels[0].cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await?;
        Ok(answer.trim().replace('\n', ":").parse().ok())
    }
}
