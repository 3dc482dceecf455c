//! Options that exclude each other, and values that no server takes.

use std::time::Duration;

use super::config::{HashTag, RedisConfig, WAIT, config_error};
use crate::broker::BrokerError;

impl RedisConfig {
    /// The configuration, unless it can't work; says what to write instead.
    pub(super) fn check(self) -> Result<Self, BrokerError> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let wrong = if self.prefix.is_empty() || self.prefix.len() > 100 || !plain(&self.prefix) {
            "the option `prefix` must be 1 to 100 letters, digits, `-`, `_` or `.`".to_owned()
        } else if self.window == 0 {
            "the option `window` must be at least 1".to_owned()
        } else if self.heartbeat < Duration::from_millis(100) {
            "the option `heartbeat` must be at least 100ms".to_owned()
        } else if self.lease < self.heartbeat * 4 {
            let lease = (self.heartbeat * 4).as_millis();
            format!(
                "the option `lease` must be at least four times `heartbeat`, or members that lost their connection are taken for dead before they know: write lease={lease}ms, or a shorter heartbeat"
            )
        } else if self.wait == 0 && self.wait_timeout != WAIT {
            "the option `wait_timeout` is for `wait`: say how many replicas must have a message, for example wait=1".to_owned()
        } else if self.wait > 0 && (self.wait_timeout < Duration::from_millis(1) || self.wait_timeout >= self.heartbeat) {
            "the option `wait_timeout` must be at least 1ms and less than `heartbeat`, or a server that waits for its replicas is taken for lost"
                .to_owned()
        } else if let Some(wrong) = self.wrong_sentinel().or_else(|| self.wrong_cluster()) {
            wrong.to_owned()
        } else if self.max_message > 512 << 20 {
            "the option `max_message` must be at most 512MiB: Redis takes no larger values".to_owned()
        } else if self.cert.is_some() != self.key.is_some() {
            "the options `cert` and `key` belong together: give both or none".to_owned()
        } else if !self.tls && (self.ca.is_some() || self.cert.is_some()) {
            "the options `ca`, `cert` and `key` need a URL that begins with rediss://".to_owned()
        } else if self.user.is_some() && self.password.is_none() {
            "the Redis URL names a user without a password: write redis://user:password@host, or give the password in the configuration"
                .to_owned()
        } else {
            return Ok(self);
        };
        Err(config_error(wrong))
    }

    fn wrong_sentinel(&self) -> Option<&'static str> {
        let named = self.sentinel_user.is_some();
        if self.sentinel.as_deref() == Some("") {
            Some("the option `sentinel` must be the name by which the sentinels know the master")
        } else if self.sentinel.is_some() && self.durable {
            Some(
                "the options `sentinel` and `durable` exclude each other: a failover loses what was confirmed and not yet replicated; `wait=1` makes that less likely",
            )
        } else if self.sentinel.is_none() && (named || self.sentinel_password.is_some()) {
            Some(
                "the options `sentinel_user` and `sentinel_password` are for sentinels: say by the option `sentinel` what they call the master; the servers' own user stands before the host",
            )
        } else if named && self.sentinel_password.is_none() {
            Some("the option `sentinel_user` needs `sentinel_password`")
        } else {
            None
        }
    }

    fn wrong_cluster(&self) -> Option<&'static str> {
        if !self.cluster {
            return (self.hash_tag != HashTag::default()).then_some("the option `hash_tag` is for a Redis Cluster: say cluster=true");
        }
        if self.sentinel.is_some() {
            Some("the options `cluster` and `sentinel` exclude each other: a cluster looks after its masters itself")
        } else if self.durable {
            Some(
                "the options `cluster` and `durable` exclude each other: a failover loses what was confirmed and not yet replicated; `wait=1` makes that less likely",
            )
        } else if self.database != 0 {
            Some(
                "a Redis Cluster has no databases but 0: leave the number out of the URL, and keep environments apart by the option `prefix`",
            )
        } else {
            None
        }
    }
}
