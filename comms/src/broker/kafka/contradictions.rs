//! Options that exclude each other, and values that no cluster takes.

use std::time::Duration;

use super::config::{KafkaConfig, Sasl, config_error};
use crate::broker::BrokerError;

/// A day less than retries are kept.
const LONGEST_DELAY: Duration = Duration::from_secs(13 * 24 * 3600);

impl KafkaConfig {
    /// The configuration, unless it can't work; says what to write instead.
    pub(super) fn check(self) -> Result<Self, BrokerError> {
        let wrong = if !self.ladder.is_sorted_by(|a, b| a < b) || self.ladder.first().is_none_or(Duration::is_zero) {
            "the option `ladder` must list delays above zero in ascending order, for example 1s,5s,1m"
        } else if self.ladder.last().is_some_and(|longest| *longest > LONGEST_DELAY) {
            "the longest delay of `ladder` must be at most 312h (13 days): what waits for a retry is kept for 14 days, and would be gone before it is due"
        } else if self.connect_timeout.is_zero() || self.publish_timeout.is_zero() {
            "the options `connect_timeout` and `publish_timeout` must be above zero: nothing could be sent in no time"
        } else if self.window == 0 || self.window > 1_000_000 {
            "the option `window` must be between 1 and 1000000"
        } else if self.partitions == 0 || self.replication == Some(0) {
            "the options `partitions` and `replication` must be at least 1"
        } else if self.max_message == 0 || self.max_message > 512 << 20 {
            "the option `max_message` must be between 1B and 512MiB"
        } else if self.prefix.len() > 60 || !self.prefix.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)) {
            "the option `prefix` may hold up to 60 characters of a-z, A-Z, 0-9, `.`, `-` and `_`, for example `staging.`"
        } else if self.linger > Duration::from_secs(60) || self.linger >= self.publish_timeout {
            "the option `linger` must be shorter than `publish_timeout`, and at most 60s"
        } else if self.publish_timeout > Duration::from_secs(24 * 3600) {
            "the option `publish_timeout` must be at most 24h"
        } else if self.drain_timeout < self.heartbeat {
            "the option `drain_timeout` must be at least as long as `heartbeat`: members hear of each other no sooner"
        } else if self.heartbeat.as_millis() == 0 || self.heartbeat * 3 > self.session_timeout {
            "the option `heartbeat` must be above zero, and at most a third of `session_timeout`"
        } else if self.silence < Duration::from_secs(2) || self.silence > Duration::from_secs(300) {
            "the option `silence` must be between 2s and 5m: brokers wait half a second for messages before they answer that there are none"
        } else if self.session_timeout > Duration::from_secs(30 * 60) {
            "the option `session_timeout` must be at most 30m: brokers refuse longer ones"
        } else if self.drain_timeout > Duration::from_secs(240) {
            "the option `drain_timeout` must be at most 4m: the brokers wait five minutes for a member"
        } else if self.transaction_timeout < Duration::from_secs(1) || self.transaction_timeout > Duration::from_secs(15 * 60) {
            "the option `transaction_timeout` must be between 1s and 15m: brokers refuse longer ones"
        } else if self.refresh.as_millis() < 10 || self.refresh > Duration::from_secs(3600) {
            "the option `refresh` must be between 10ms and 1h"
        } else if !self.statistics.is_zero() && (self.statistics.as_millis() < 100 || self.statistics > Duration::from_secs(3600)) {
            "the option `statistics` must be between 100ms and 1h, or 0s for none: each report costs as much as handling some messages"
        } else if self.cert.is_some() != self.key.is_some() {
            "the options `cert` and `key` belong together: give both or none"
        } else if !self.tls && (self.ca.is_some() || self.cert.is_some()) {
            "the options `ca`, `cert` and `key` need a URL that begins with kafkas://"
        } else if self.user.is_some() && self.password.is_empty() {
            "the Kafka URL names a user without a password: write kafka://user:password@host/, or leave the user out"
        } else if let Some(wrong) = self.wrong_tokens() {
            wrong
        } else {
            return Ok(self);
        };
        Err(config_error(wrong))
    }

    /// What is wrong with how tokens are to be had.
    fn wrong_tokens(&self) -> Option<&'static str> {
        let has_tokens = self.sasl == Sasl::OAuthBearer;
        let Some(url) = &self.token_url else {
            return if has_tokens {
                Some(
                    "`sasl=oauthbearer` needs `token_url`, where the URL's user and password get a token, for example token_url=https://login.example.com/oauth2/token",
                )
            } else if self.token_scope.is_some() || self.token_extensions.is_some() || self.token_ca.is_some() {
                Some("the options `token_scope`, `token_extensions` and `token_ca` need `sasl=oauthbearer` and `token_url`")
            } else {
                None
            };
        };
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).and_then(|rest| rest.split(['/', '?', '#']).next());
        if !has_tokens {
            Some("the option `token_url` needs `sasl=oauthbearer`")
        } else if host.is_none_or(str::is_empty) {
            Some(
                "the option `token_url` must be a URL that begins with https:// (or http://, where nobody listens), for example https://login.example.com/oauth2/token",
            )
        } else if host.is_some_and(|host| host.contains('@')) {
            Some("the option `token_url` may hold no user or password: they are the Kafka URL's own, kafkas://client:secret@host/")
        } else if self.token_ca.is_some() && !url.starts_with("https://") {
            Some("the option `token_ca` needs a `token_url` that begins with https://")
        } else if self.token_extensions.as_ref().is_some_and(|all| !all.split(',').all(is_extension)) {
            Some("the option `token_extensions` must list names and values, for example logicalCluster=lkc-1,identityPoolId=pool-1")
        } else {
            None
        }
    }
}

fn is_extension(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
}
