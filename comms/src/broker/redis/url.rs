//! Reading the URL of a Redis server.

use std::str::FromStr;

use super::config::{HashTag, RedisConfig, config_error};
use crate::broker::BrokerError;
use crate::broker::url::{Dialect, Setting, Url, join_hosts};

static DIALECT: Dialect = Dialect {
    broker: "Redis",
    schemes: ["redis", "rediss"],
    tls: ("redis-tls", cfg!(feature = "redis-tls")),
    options: OPTIONS,
    elsewhere: &[],
};

const OPTIONS: &[&str] = &[
    "prefix",
    "durable",
    "retain",
    "lease",
    "heartbeat",
    "connection_name",
    "connect_timeout",
    "publish_timeout",
    "window",
    "wait",
    "wait_timeout",
    "max_message",
    "cluster",
    "hash_tag",
    "sentinel",
    "sentinel_user",
    "sentinel_password",
    "ca",
    "cert",
    "key",
];

impl FromStr for RedisConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let url = DIALECT.read(url)?;
        let mut config = Self { tls: url.tls, ..Self::default() };
        if !url.path.is_empty() {
            let database = url.path.parse();
            config.database =
                database.map_err(|_| DIALECT.wrong("database", &url.path, "the number of a database, for example redis://host/0"))?;
        }
        for setting in url.settings() {
            config.set(&setting?)?;
        }
        config.set_hosts(&url)?;
        config.user = url.user.filter(|user| !user.is_empty());
        config.password = url.password.filter(|password| !password.is_empty());
        config.check()
    }
}

impl RedisConfig {
    fn set_hosts(&mut self, url: &Url<'_>) -> Result<(), BrokerError> {
        if self.sentinel.is_some() {
            self.sentinels = url.hosts(26379)?;
            return Ok(());
        }
        if self.cluster {
            self.nodes = url.hosts(6379)?;
            return Ok(());
        }
        let mut hosts = url.hosts(6379)?;
        if hosts.len() > 1 {
            return Err(config_error(format!(
                "`{}` names several servers in the Redis URL: it takes one, nodes of a Redis Cluster with the option `cluster=true`, or sentinels with the option `sentinel`",
                join_hosts(&hosts)
            )));
        }
        (self.host, self.port) = hosts.remove(0);
        Ok(())
    }

    fn set(&mut self, setting: &Setting<'_>) -> Result<(), BrokerError> {
        let text = || setting.text().to_owned();
        match setting.name {
            "prefix" => self.prefix = text(),
            "durable" => self.durable = setting.flag()?,
            "retain" => self.retain = setting.whole()?,
            "lease" => self.lease = setting.duration()?,
            "heartbeat" => self.heartbeat = setting.duration()?,
            "connection_name" => self.connection_name = Some(text()),
            "connect_timeout" => self.connect_timeout = setting.duration()?,
            "publish_timeout" => self.publish_timeout = setting.duration()?,
            "window" => self.window = setting.whole()?,
            "wait" => self.wait = setting.whole()?,
            "wait_timeout" => self.wait_timeout = setting.duration()?,
            "max_message" => self.max_message = setting.size()?,
            "cluster" => self.cluster = setting.flag()?,
            "hash_tag" => self.hash_tag = setting.one_of(&[("word", HashTag::Word), ("prefix", HashTag::Prefix)])?,
            "sentinel" => self.sentinel = Some(text()),
            "sentinel_user" => self.sentinel_user = Some(text()).filter(|user| !user.is_empty()),
            "sentinel_password" => self.sentinel_password = Some(text()).filter(|password| !password.is_empty()),
            "ca" => self.ca = Some(text().into()),
            "cert" => self.cert = Some(text().into()),
            "key" => self.key = Some(text().into()),
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }
}
