//! The clients of librdkafka that a broker keeps, and what they say by themselves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::config::{Compression, KafkaConfig, Sasl};
use super::error::code_error;
use crate::broker::{BrokerError, ConnectionState};

/// What is known of the connection.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Why no broker can be reached.
    down: Option<String>,
    /// That the brokers don't let us in.
    refused: Option<Code>,
}

impl Health {
    /// No broker can be reached.
    pub(super) fn lost(&self, reason: &str) {
        self.change(|known| known.down = Some(reason.to_owned()));
    }

    /// A broker has answered.
    pub(super) fn heard(&self) {
        self.change(|known| *known = Known::default());
    }

    pub(super) fn state(&self) -> ConnectionState {
        match &self.0.lock().unwrap_or_else(PoisonError::into_inner).down {
            Some(reason) => ConnectionState::Reconnecting { reason: reason.clone() },
            None => ConnectionState::Connected,
        }
    }

    /// What waiting can't mend.
    pub(super) fn refusal(&self, attempted: &str) -> Option<BrokerError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refused.map(|code| code_error(attempted, code))
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What a client reports on its own account.
    pub(super) fn note(&self, error: &KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(Code::AllBrokersDown) => self.lost(reason),
            Some(code @ (Code::Authentication | Code::SaslAuthenticationFailed)) => self.change(|known| {
                known.refused = Some(code);
                known.down = Some(reason.to_owned());
            }),
            _ => {}
        }
        tracing::debug!(%error, reason, "Kafka");
    }
}

/// librdkafka's log is ours.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => tracing::error!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
        _ => tracing::debug!(facility, message, "librdkafka"),
    }
}

/// A client that only asks.
#[derive(Clone, Debug)]
pub(super) struct Asking(pub(super) Arc<Health>);

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(&error, reason);
    }
}

impl ConsumerContext for Asking {}

/// Asks for metadata and offsets.
pub(super) type Lookup = BaseConsumer<Asking>;

/// What every client is told.
pub(super) fn base(config: &KafkaConfig, service: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", config.bootstrap())
        .set("client.id", config.client_id.as_deref().unwrap_or(service))
        .set("topic.metadata.refresh.interval.ms", millis(config.refresh))
        .set("topic.metadata.refresh.fast.interval.ms", "50")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "2000")
        // A broker that is silent for so long is taken for dead.
        .set("socket.timeout.ms", "10000")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true");
    security(&mut client, config);
    client.set_log_level(RDKafkaLogLevel::Warning);
    client
}

fn security(client: &mut ClientConfig, config: &KafkaConfig) {
    let protocol = match (config.tls, config.user.is_some()) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    };
    client.set("security.protocol", protocol);
    if let Some(user) = &config.user {
        let mechanism = match config.sasl {
            Sasl::Plain => "PLAIN",
            Sasl::ScramSha256 => "SCRAM-SHA-256",
            Sasl::ScramSha512 => "SCRAM-SHA-512",
        };
        client.set("sasl.mechanisms", mechanism).set("sasl.username", user).set("sasl.password", &config.password);
    }
    let files = [("ssl.ca.location", &config.ca), ("ssl.certificate.location", &config.cert), ("ssl.key.location", &config.key)];
    for (name, file) in files {
        if let Some(file) = file {
            client.set(name, file.display().to_string());
        }
    }
}

/// What the producer is told beside that.
pub(super) fn producer(config: &KafkaConfig, service: &str) -> ClientConfig {
    let mut client = base(config, service);
    let compression = match config.compression {
        Compression::None => "none",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
        Compression::Lz4 => "lz4",
    };
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("message.timeout.ms", millis(config.publish_timeout.max(Duration::from_millis(10))))
        .set("request.timeout.ms", "10000")
        .set("linger.ms", millis(config.linger))
        .set("compression.type", compression)
        .set("message.max.bytes", largest(config).to_string())
        .set("queue.buffering.max.messages", (config.window + 1000).to_string())
        .set("queue.buffering.max.kbytes", (largest(config) / 1024 * 2).max(64 << 10).to_string())
        .set("statistics.interval.ms", "1000");
    client
}

/// What every consumer is told beside that. Offsets are committed by our own hand.
pub(super) fn consumer(config: &KafkaConfig, service: &str, group: &str) -> ClientConfig {
    let mut client = base(config, service);
    client
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "false")
        .set("topic.blacklist", "^__.*")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", millis(config.session_timeout))
        .set("heartbeat.interval.ms", millis(config.heartbeat))
        .set("max.poll.interval.ms", "300000")
        .set("isolation.level", "read_committed")
        // What waits in this process: so much for each partition.
        .set("queued.max.messages.kbytes", "4096")
        .set("queued.min.messages", "1000")
        .set("fetch.wait.max.ms", "500")
        .set("fetch.error.backoff.ms", "100")
        .set("fetch.max.bytes", largest(config).max(16 << 20).to_string())
        .set("receive.message.max.bytes", (largest(config).max(16 << 20) + (1 << 20)).to_string());
    if let Some(instance) = &config.instance {
        client.set("group.instance.id", instance);
    }
    client
}

/// A message with its headers, in bytes.
pub(super) fn largest(config: &KafkaConfig) -> usize {
    config.max_message + (256 << 10)
}

pub(super) fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
