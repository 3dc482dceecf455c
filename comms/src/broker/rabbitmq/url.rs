//! Reading the URL of a RabbitMQ server.

use std::str::FromStr;

use super::config::{QueueKind, RabbitMqConfig};
use crate::broker::BrokerError;
use crate::broker::url::{Dialect, Setting};

static DIALECT: Dialect = Dialect {
    broker: "RabbitMQ",
    schemes: ["amqp", "amqps"],
    tls: ("rabbitmq-tls", cfg!(feature = "rabbitmq-tls")),
    options: OPTIONS,
    elsewhere: &[],
};

const OPTIONS: &[&str] = &[
    "heartbeat",
    "connection_name",
    "connect_timeout",
    "publish_timeout",
    "window",
    "consumer_timeout",
    "queue",
    "max_priority",
    "single_active",
    "exchange",
    "route",
    "ladder",
    "max_message",
    "ca",
    "cert",
    "key",
];

impl FromStr for RabbitMqConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let url = DIALECT.read(url)?;
        let mut config = Self { tls: url.tls, hosts: url.hosts(if url.tls { 5671 } else { 5672 })?, ..Self::default() };
        for setting in url.settings() {
            config.set(&setting?)?;
        }
        if let Some(user) = url.user {
            (config.user, config.password) = (user, url.password.unwrap_or_default());
        }
        if !url.path.is_empty() {
            config.vhost = url.path;
        }
        config.check()
    }
}

impl RabbitMqConfig {
    fn set(&mut self, setting: &Setting<'_>) -> Result<(), BrokerError> {
        let text = || setting.text().to_owned();
        match setting.name {
            "heartbeat" => self.heartbeat = setting.duration()?,
            "connection_name" => self.connection_name = Some(text()),
            "connect_timeout" => self.connect_timeout = setting.duration()?,
            "publish_timeout" => self.publish_timeout = setting.duration()?,
            "window" => self.window = setting.whole()?,
            "consumer_timeout" => self.consumer_timeout = if setting.text() == "off" { None } else { Some(setting.duration()?) },
            "queue" => self.queue = setting.one_of(&[("quorum", QueueKind::Quorum), ("classic", QueueKind::Classic)])?,
            "max_priority" => self.max_priority = Some(priorities(setting)?),
            "single_active" => self.single_active = setting.flag()?,
            "exchange" => self.exchange = text(),
            "route" => self.routes.push(setting.text().parse()?),
            "ladder" => self.ladder = setting.durations()?,
            "max_message" => self.max_message = setting.size()?,
            "ca" => self.ca = Some(text().into()),
            "cert" => self.cert = Some(text().into()),
            "key" => self.key = Some(text().into()),
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }
}

fn priorities(setting: &Setting<'_>) -> Result<u8, BrokerError> {
    let number = setting.text().parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| setting.wrong("a whole number from 1 to 255, for example 10"))
}
