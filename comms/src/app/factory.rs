//! From a URL to a broker: the only place that names a backend.

use std::sync::Arc;

use crate::broker::memory::Memory;
use crate::broker::{Broker, BrokerError, BrokerErrorKind, Capabilities};
use crate::config::BrokerConfig;

/// A backend by its URL schemes.
struct Backend {
    schemes: &'static [&'static str],
    /// The feature of `comms` that brings it.
    feature: &'static str,
    built_in: bool,
}

const BACKENDS: &[Backend] = &[
    Backend { schemes: &["memory"], feature: "", built_in: true },
    Backend { schemes: &["amqp"], feature: "rabbitmq", built_in: cfg!(feature = "rabbitmq") },
    Backend { schemes: &["amqps"], feature: "rabbitmq-tls", built_in: cfg!(feature = "rabbitmq-tls") },
    Backend { schemes: &["redis"], feature: "redis", built_in: cfg!(feature = "redis") },
    Backend { schemes: &["rediss"], feature: "redis-tls", built_in: cfg!(feature = "redis-tls") },
    Backend { schemes: &["redis+pubsub"], feature: "redis", built_in: cfg!(feature = "redis") },
    Backend { schemes: &["rediss+pubsub"], feature: "redis-tls", built_in: cfg!(feature = "redis-tls") },
    Backend { schemes: &["kafka"], feature: "kafka", built_in: cfg!(feature = "kafka") },
    Backend { schemes: &["kafkas"], feature: "kafka-tls", built_in: cfg!(feature = "kafka-tls") },
];

/// Connects to the broker that the configuration names `name`.
///
/// # Errors
/// When no backend in this build has the scheme of the URL, or the backend can't connect.
pub(crate) async fn connect(name: &str, config: &BrokerConfig, service: &str) -> Result<Arc<dyn Broker>, BrokerError> {
    check(name, config)?;
    match config.scheme() {
        "memory" => Ok(Arc::new(Memory::open(config.connect_url().expose())?)),
        #[cfg(feature = "rabbitmq")]
        "amqp" | "amqps" => {
            let config = config.connect_url().expose().parse()?;
            Ok(Arc::new(crate::broker::rabbitmq::RabbitMq::connect(config, service).await?))
        }
        #[cfg(feature = "redis")]
        "redis" | "rediss" => {
            let config = config.connect_url().expose().parse()?;
            Ok(Arc::new(crate::broker::redis::Redis::connect(config, service).await?))
        }
        #[cfg(feature = "redis")]
        "redis+pubsub" | "rediss+pubsub" => {
            let config = config.connect_url().expose().parse()?;
            Ok(Arc::new(crate::broker::redis::RedisPubSub::connect(config, service).await?))
        }
        #[cfg(feature = "kafka")]
        "kafka" | "kafkas" => {
            let config = config.connect_url().expose().parse()?;
            Ok(Arc::new(crate::broker::kafka::Kafka::connect(config, service).await?))
        }
        scheme => {
            let _ = service;
            Err(unknown(name, scheme))
        }
    }
}

/// What the broker will be able to do, without connecting.
///
/// # Errors
/// When no backend in this build has the scheme of the URL, or the backend can't read the rest of it.
pub(crate) fn capabilities(name: &str, config: &BrokerConfig) -> Result<Capabilities, BrokerError> {
    check(name, config)?;
    match config.scheme() {
        "memory" => Memory::capabilities_of(config.connect_url().expose()),
        #[cfg(feature = "rabbitmq")]
        "amqp" | "amqps" => {
            let config: crate::broker::rabbitmq::RabbitMqConfig = config.connect_url().expose().parse()?;
            Ok(config.capabilities())
        }
        #[cfg(feature = "redis")]
        "redis" | "rediss" => {
            let config: crate::broker::redis::RedisConfig = config.connect_url().expose().parse()?;
            Ok(config.capabilities())
        }
        #[cfg(feature = "redis")]
        "redis+pubsub" | "rediss+pubsub" => {
            let _: crate::broker::redis::RedisPubSubConfig = config.connect_url().expose().parse()?;
            Ok(crate::broker::redis::PUBSUB_CAPABILITIES)
        }
        #[cfg(feature = "kafka")]
        "kafka" | "kafkas" => {
            let _: crate::broker::kafka::KafkaConfig = config.connect_url().expose().parse()?;
            Ok(crate::broker::kafka::CAPABILITIES)
        }
        scheme => Err(unknown(name, scheme)),
    }
}

/// Whether this build has a backend for the broker.
fn check(name: &str, config: &BrokerConfig) -> Result<(), BrokerError> {
    let scheme = config.scheme();
    match BACKENDS.iter().find(|backend| backend.schemes.contains(&scheme)) {
        Some(backend) if backend.built_in => Ok(()),
        Some(backend) => Err(BrokerError::new(
            BrokerErrorKind::Config,
            format!(
                "`brokers.{name}.url` begins with `{scheme}:`, which needs the feature `{feature}` of `comms`: `comms = {{ features = [\"{feature}\"] }}`",
                feature = backend.feature
            ),
        )),
        None => Err(unknown(name, scheme)),
    }
}

fn unknown(name: &str, scheme: &str) -> BrokerError {
    let known: Vec<String> = BACKENDS.iter().flat_map(|backend| backend.schemes).map(|scheme| format!("`{scheme}:`")).collect();
    BrokerError::new(
        BrokerErrorKind::Config,
        format!("`brokers.{name}.url` begins with `{scheme}:`, and no broker has this scheme; there are {}", known.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unknown_scheme_is_refused_with_the_known_ones() {
        let error = connect("default", &BrokerConfig::new("carrier-pigeon://roof"), "s").await.unwrap_err();
        assert!(error.to_string().contains("`memory:`, `amqp:`"), "{error}");
        // Whoever tells of it says which broker.
        assert!(
            error.to_string().starts_with("`brokers.default.url` begins with `carrier-pigeon:`, and no broker has this scheme"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_embedded_broker_needs_nothing() {
        assert_eq!(connect("default", &BrokerConfig::new("memory:"), "s").await.unwrap().scheme(), "memory");
    }
}
