//! Reading the URL of a Kafka cluster.

use std::str::FromStr;

use super::config::{Compression, KafkaConfig, Sasl, config_error};
use crate::broker::BrokerError;
use crate::broker::url::{Dialect, Setting};

static DIALECT: Dialect = Dialect {
    broker: "Kafka",
    schemes: ["kafka", "kafkas"],
    tls: ("kafka-tls", cfg!(feature = "kafka-tls")),
    options: OPTIONS,
    elsewhere: ELSEWHERE,
};

const OPTIONS: &[&str] = &[
    "client_id",
    "connect_timeout",
    "publish_timeout",
    "window",
    "linger",
    "compression",
    "max_message",
    "partitions",
    "prefix",
    "replication",
    "ladder",
    "silence",
    "session_timeout",
    "heartbeat",
    "drain_timeout",
    "instance",
    "transaction_timeout",
    "refresh",
    "statistics",
    "sasl",
    "token_url",
    "token_scope",
    "token_extensions",
    "token_ca",
    "ca",
    "cert",
    "key",
];

/// What other clients of Kafka are told, and what holds here instead.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["acks", "request.required.acks"],
        "a message counts as published when all replicas that are in sync have it, as a durable broker promises; leave it out, and set `min.insync.replicas` of the topic",
    ),
    (
        &["max.poll.interval.ms", "max_poll_interval"],
        "no handler is too slow for its group, whose rebalances don't wait for it; how long a partition that moves waits for what is in hand is `drain_timeout`, at most 4m",
    ),
    (
        &["enable.auto.commit", "auto.offset.reset"],
        "what is committed is what is settled; a new group begins where the subscription says: `from = \"earliest\"`",
    ),
    (&["group.id", "group"], "the group is the subscription's: `subscribe(\"topic\", group = \"name\")`"),
    (
        &["transactional.id", "transactions"],
        "a handler asks for transactions, `#[event_handler(transactional)]`, and their ids begin with the name of its group; else publishing is idempotent",
    ),
    (&["min.insync.replicas"], "it belongs to the topic or the brokers; `replication` says how many brokers keep the topics that are made"),
    (&["statistics.interval.ms", "statistics_interval"], "it is `statistics`, for example `statistics=10s`, and `statistics=0s` for none"),
    (
        &["sasl.oauthbearer.method", "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret", "sasl.oauthbearer.token.endpoint.url"],
        "with `sasl=oauthbearer` the URL's user and password are the client's id and secret, and `token_url` says where they get a token",
    ),
    (&["security.protocol"], "a URL that begins with kafkas:// speaks TLS, and one with a user logs in"),
];

impl FromStr for KafkaConfig {
    type Err = BrokerError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let url = DIALECT.read(url)?;
        if !url.path.is_empty() {
            return Err(config_error(format!(
                "a Kafka URL has no path, but this one has `/{}`: topics are named by the messages; options stand behind a `?`",
                url.path
            )));
        }
        let mut config = Self { tls: url.tls, hosts: url.hosts(if url.tls { 9093 } else { 9092 })?, ..Self::default() };
        let mut has_sasl = false;
        for setting in url.settings() {
            let setting = setting?;
            has_sasl |= setting.name == "sasl";
            config.set(&setting)?;
        }
        (config.user, config.password) = (url.user, url.password.unwrap_or_default());
        if has_sasl && config.user.is_none() {
            return Err(config_error("the option `sasl` needs a user and a password in the Kafka URL: kafka://user:password@host/"));
        }
        config.check()
    }
}

impl KafkaConfig {
    fn set(&mut self, setting: &Setting<'_>) -> Result<(), BrokerError> {
        let text = || setting.text().to_owned();
        match setting.name {
            "client_id" => self.client_id = Some(text()),
            "connect_timeout" => self.connect_timeout = setting.duration()?,
            "publish_timeout" => self.publish_timeout = setting.duration()?,
            "window" => self.window = setting.whole()?,
            "linger" => self.linger = setting.duration()?,
            "compression" => self.compression = compression(setting)?,
            "max_message" => self.max_message = setting.size()?,
            "partitions" => self.partitions = setting.whole()?,
            "prefix" => self.prefix = text(),
            "replication" => self.replication = Some(setting.whole()?),
            "ladder" => self.ladder = setting.durations()?,
            "silence" => self.silence = setting.duration()?,
            "session_timeout" => self.session_timeout = setting.duration()?,
            "heartbeat" => self.heartbeat = setting.duration()?,
            "drain_timeout" => self.drain_timeout = setting.duration()?,
            "instance" => self.instance = Some(text()),
            "transaction_timeout" => self.transaction_timeout = setting.duration()?,
            "refresh" => self.refresh = setting.duration()?,
            "statistics" => self.statistics = setting.duration()?,
            "sasl" => self.sasl = sasl(setting)?,
            "token_url" => self.token_url = Some(text()),
            "token_scope" => self.token_scope = Some(text()),
            "token_extensions" => self.token_extensions = Some(text()),
            "token_ca" => self.token_ca = Some(text().into()),
            "ca" => self.ca = Some(text().into()),
            "cert" => self.cert = Some(text().into()),
            "key" => self.key = Some(text().into()),
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }
}

fn compression(setting: &Setting<'_>) -> Result<Compression, BrokerError> {
    setting.one_of(&[
        ("none", Compression::None),
        ("gzip", Compression::Gzip),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd),
    ])
}

fn sasl(setting: &Setting<'_>) -> Result<Sasl, BrokerError> {
    match setting.text() {
        kind @ ("scram-sha-256" | "scram-sha-512") if !cfg!(feature = "kafka-tls") => Err(config_error(format!(
            "`sasl={kind}` needs comms with the feature `kafka-tls`; add it to the dependency's features, or use `sasl=plain`"
        ))),
        "oauthbearer" if !cfg!(feature = "kafka-oauth") => Err(config_error(
            "`sasl=oauthbearer` needs comms with the feature `kafka-oauth`; add it to the dependency's features, or use `sasl=scram-sha-512`",
        )),
        _ => setting.one_of(&[
            ("plain", Sasl::Plain),
            ("scram-sha-256", Sasl::ScramSha256),
            ("scram-sha-512", Sasl::ScramSha512),
            ("oauthbearer", Sasl::OAuthBearer),
        ]),
    }
}
