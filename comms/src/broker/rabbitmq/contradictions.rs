//! Options that exclude each other, and values that no server takes.

use std::time::Duration;

use super::config::{QueueKind, RabbitMqConfig, config_error};
use super::route;
use crate::broker::BrokerError;

impl RabbitMqConfig {
    /// The configuration, unless it can't work; says what to write instead.
    pub(super) fn check(self) -> Result<Self, BrokerError> {
        route::check(&self.routes, &self.exchange)?;
        let wrong = if !self.ladder.is_sorted_by(|a, b| a < b) || self.ladder.first().is_none_or(Duration::is_zero) {
            "the option `ladder` must list delays above zero in ascending order, for example 1s,5s,1m"
        } else if self.consumer_timeout.is_some_and(|time| time.is_zero()) {
            "the option `consumer_timeout` must be above zero, as on the server; `off` where it is switched off there"
        } else if self.window == 0 {
            "the option `window` must be at least 1"
        } else if self.heartbeat.as_secs() == 0 || self.heartbeat.as_secs() > 65_535 {
            "the option `heartbeat` must be between 1s and 65535s"
        } else if self.exchange.is_empty() || self.exchange.len() > 100 || self.exchange.starts_with("amq.") {
            "the option `exchange` must be a name of 1 to 100 bytes that does not begin with `amq.`"
        } else if self.max_priority.is_some() && self.queue != QueueKind::Classic {
            "the option `max_priority` needs `queue=classic`: quorum queues don't know it; those of RabbitMQ 4 tell two priorities apart by themselves (5 and more is urgent), so leave it out there"
        } else if self.cert.is_some() != self.key.is_some() {
            "the options `cert` and `key` belong together: give both or none"
        } else if !self.tls && (self.ca.is_some() || self.cert.is_some()) {
            "the options `ca`, `cert` and `key` need a URL that begins with amqps://"
        } else {
            return Ok(self);
        };
        Err(config_error(wrong))
    }
}
