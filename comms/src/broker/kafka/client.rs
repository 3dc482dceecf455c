//! The clients of librdkafka that a broker keeps, and what they say by themselves.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;

use super::config::{Compression, KafkaConfig, Sasl};
use super::health::Health;

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
        // A broker that is silent for so long is taken for dead, and so is one that is connected and does not say what it speaks.
        .set("socket.timeout.ms", millis(config.silence))
        .set("api.version.request.timeout.ms", millis(config.silence.min(Duration::from_secs(10))))
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
            Sasl::OAuthBearer => "OAUTHBEARER",
        };
        client.set("sasl.mechanisms", mechanism);
        match config.sasl {
            Sasl::OAuthBearer => tokens(client, config, user),
            _ => _ = client.set("sasl.username", user).set("sasl.password", &config.password),
        }
    }
    let files = [("ssl.ca.location", &config.ca), ("ssl.certificate.location", &config.cert), ("ssl.key.location", &config.key)];
    for (name, file) in files {
        if let Some(file) = file {
            client.set(name, file.display().to_string());
        }
    }
}

/// librdkafka fetches tokens itself, and new ones before they are over, in a thread of each client: no client has to be polled for it.
fn tokens(client: &mut ClientConfig, config: &KafkaConfig, user: &str) {
    client
        .set("sasl.oauthbearer.method", "oidc")
        .set("sasl.oauthbearer.client.id", user)
        .set("sasl.oauthbearer.client.secret", &config.password);
    let scope = config.token_scope.as_deref().map(form_encoded);
    let ca = config.token_ca.as_ref().map(|file| file.display().to_string());
    let further = [
        ("sasl.oauthbearer.token.endpoint.url", config.token_url.as_deref()),
        ("sasl.oauthbearer.scope", scope.as_deref()),
        ("sasl.oauthbearer.extensions", config.token_extensions.as_deref()),
        ("https.ca.location", ca.as_deref()),
    ];
    for (name, value) in further {
        if let Some(value) = value {
            client.set(name, value);
        }
    }
}

/// librdkafka puts the scope into the form as it is.
fn form_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// What the producer is told beside that.
pub(super) fn producer(config: &KafkaConfig, service: &str) -> ClientConfig {
    let mut client = base(config, service);
    let compression = match config.compression {
        Compression::None => "none",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
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
        .set("statistics.interval.ms", millis(alive(config)));
    client
}

/// How often the producer reports: its health is seen by it, whether or not anybody wants the rest.
fn alive(config: &KafkaConfig) -> Duration {
    let most = Duration::from_secs(1);
    if config.statistics.is_zero() { most } else { config.statistics.min(most) }
}

/// What the producer of a transactional member is told instead: nothing may take longer than the transaction.
pub(super) fn transactional(config: &KafkaConfig, service: &str, id: &str) -> ClientConfig {
    let mut client = producer(config, service);
    let longest = config.transaction_timeout;
    let silence = config.silence.min(longest - Duration::from_millis(100));
    client
        .set("transactional.id", id)
        .set("transaction.timeout.ms", millis(longest))
        .set("message.timeout.ms", millis(longest))
        .set("request.timeout.ms", millis(longest.min(Duration::from_secs(10))))
        .set("socket.timeout.ms", millis(silence))
        .set("api.version.request.timeout.ms", millis(silence.min(Duration::from_secs(10))))
        // Committing waits for nobody.
        .set("linger.ms", "0")
        .remove("statistics.interval.ms");
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
        // What waits in this process: so much for each partition, however many messages that are.
        .set("queued.max.messages.kbytes", "4096")
        .set("queued.min.messages", "100000")
        // How long a partition whose queue is full is not fetched from: the default of a second is a second in which a quick handler waits.
        .set("fetch.queue.backoff.ms", "10")
        // How long a fetch of the partitions that have nothing keeps those waiting that have: there is one fetch at a time for each broker.
        .set("fetch.wait.max.ms", "100")
        .set("statistics.interval.ms", millis(config.statistics))
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
