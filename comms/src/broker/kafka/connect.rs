//! The first answer of a cluster.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::producer::ThreadedProducer;
use tokio::time::Instant;

use super::client::{self, Lookup};
use super::config::{KafkaConfig, Sasl, config_error};
use super::error::{broker_error, is_fatal};
use super::health::Health;
use super::post::{Clerk, Post};
use super::topics::blocking;
use crate::broker::{BrokerError, BrokerErrorKind};

pub(super) type Sender = ThreadedProducer<Clerk>;

pub(super) fn new_producer(config: &KafkaConfig, service: &str, post: &Arc<Post>) -> Result<Sender, BrokerError> {
    ThreadedProducer::from_config_and_context(&client::producer(config, service), Clerk(Arc::clone(post))).map_err(|error| refused(&error))
}

/// Says in the log that a secret goes over the network as it is.
pub(super) fn warn_of_open_secrets(config: &KafkaConfig) {
    let here = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let has_open_secret = config.user.is_some() && matches!(config.sasl, Sasl::Plain | Sasl::OAuthBearer);
    if has_open_secret && !config.tls && !config.hosts.iter().all(|(host, _)| here(host)) {
        tracing::warn!(cluster = %config, "the way to Kafka is open: whoever listens can log in with what is sent; use kafkas://");
    }
    let token_host = config.token_url.as_deref().and_then(|url| url.strip_prefix("http://"));
    let token_host = token_host.map(|rest| rest.split(['/', '?', '#', ':']).next().unwrap_or(rest));
    if token_host.is_some_and(|host| !here(host)) {
        tracing::warn!(cluster = %config, "the way to `token_url` is open: whoever listens can log in with what is sent; use https://");
    }
}

/// librdkafka refuses its configuration: a file that can't be read, for example.
pub(super) fn refused(error: &KafkaError) -> BrokerError {
    config_error(format!("could not make a Kafka client: {error}"))
}

/// Asks the brokers something, until one answers.
pub(super) async fn await_answer(config: &KafkaConfig, lookup: &Arc<Lookup>, health: &Health) -> Result<(), BrokerError> {
    let deadline = Instant::now() + config.connect_timeout;
    loop {
        let asking = Arc::clone(lookup);
        let patience = Duration::from_millis(500).min(config.connect_timeout);
        let asked = blocking(move || {
            // Events are served by polling only; no message comes.
            let _ = asking.poll(Duration::ZERO);
            let answer = asking.fetch_metadata(Some("comms"), patience);
            let _ = asking.poll(Duration::ZERO);
            answer.map(drop).map_err(|error| broker_error("connect", &error))
        });
        let error = match asked.await {
            Ok(()) => {
                health.heard();
                return Ok(());
            }
            Err(error) => error,
        };
        let attempted = format!("log in to {config}");
        if let Some(refusal) = health.refusal(&attempted) {
            return Err(refusal);
        }
        if is_fatal(error.kind()) {
            return Err(error);
        }
        if Instant::now() >= deadline {
            let why = health.no_token().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let message = format!("could not connect to {config} within {:?}: {error}{why}", config.connect_timeout);
            return Err(BrokerError::new(BrokerErrorKind::Connection, message));
        }
    }
}
