//! How many brokers keep a topic, against how many must have a message before it is confirmed.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::consumer::Consumer;

use super::client::{Asking, Lookup};
use super::error::broker_error;
use super::topics::{ANSWER, blocking};
use crate::broker::{BrokerError, BrokerErrorKind};

const IN_SYNC: &str = "min.insync.replicas";
const DEFAULT: &str = "default.replication.factor";

/// Warns of topics that fewer brokers keep than are to have a message before it is confirmed. They are somebody else's: newer brokers
/// confirm what all of the few have, older ones take nothing.
pub(super) async fn check(lookup: &Arc<Lookup>, admin: &AdminClient<Asking>, topics: &[&str]) -> Result<(), BrokerError> {
    let asked: Vec<ResourceSpecifier<'_>> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let needed: HashMap<String, usize> = describe(admin, &asked).await.iter().filter_map(needed_of).collect();
    // One copy of a message is always there.
    if needed.values().all(|needed| *needed <= 1) {
        return Ok(());
    }
    let lookup = Arc::clone(lookup);
    let kept = blocking(move || {
        let metadata = lookup.fetch_metadata(None, ANSWER).map_err(|error| broker_error("look up the replicas of topics", &error))?;
        let replicas = metadata.topics().iter().filter_map(|topic| {
            let fewest = topic.partitions().iter().map(|partition| partition.replicas().len()).min()?;
            Some((topic.name().to_owned(), fewest))
        });
        Ok(replicas.collect::<HashMap<String, usize>>())
    });
    let kept = kept.await?;
    for (topic, needed) in &needed {
        if let Some(kept) = kept.get(topic).filter(|kept| *kept < needed) {
            tracing::warn!(
                topic,
                replicas = kept,
                needed,
                "a topic has fewer replicas than are to have each message (`min.insync.replicas`): give it more"
            );
        }
    }
    Ok(())
}

/// Refuses to make such topics. `replication` is the option, where it was given; what the brokers say of themselves is a warning.
pub(super) async fn check_new(lookup: &Arc<Lookup>, admin: &AdminClient<Asking>, replication: Option<u16>) -> Result<(), BrokerError> {
    let asking = Arc::clone(lookup);
    let broker = blocking(move || {
        let metadata = asking.fetch_metadata(Some("comms"), ANSWER).map_err(|error| broker_error("look up the brokers", &error))?;
        Ok(metadata.brokers().first().map(|broker| broker.id()))
    });
    let Some(broker) = broker.await? else { return Ok(()) };
    let found = describe(admin, &[ResourceSpecifier::Broker(broker)]).await;
    let value = |name: &str| found.first().and_then(|found| number(found, name));
    let Some((needed, usual)) = value(IN_SYNC).zip(value(DEFAULT)) else { return Ok(()) };
    match replication.map(usize::from) {
        Some(kept) if kept < needed => Err(BrokerError::new(BrokerErrorKind::Config, too_few(kept, needed))),
        None if usual < needed => {
            tracing::warn!(
                replicas = usual,
                needed,
                "topics are made with fewer replicas than are to have each message (`min.insync.replicas`): set the option `replication`"
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

fn too_few(kept: usize, needed: usize) -> String {
    format!(
        "could not make a topic: the option `replication={kept}` of the Kafka URL contradicts `{IN_SYNC}={needed}` of the brokers, which want a message on {needed} of them before it is confirmed; write `replication={needed}` or more, or have `{IN_SYNC}` lowered"
    )
}

/// Nothing where the brokers don't tell us: not everybody may read their configuration.
async fn describe(admin: &AdminClient<Asking>, asked: &[ResourceSpecifier<'_>]) -> Vec<ConfigResource> {
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    match admin.describe_configs(asked, &options).await {
        Ok(found) => found.into_iter().filter_map(Result::ok).collect(),
        Err(error) => {
            tracing::debug!(%error, "the brokers don't tell how topics are configured");
            Vec::new()
        }
    }
}

fn needed_of(found: &ConfigResource) -> Option<(String, usize)> {
    let OwnedResourceSpecifier::Topic(topic) = &found.specifier else { return None };
    Some((topic.clone(), number(found, IN_SYNC)?))
}

fn number(found: &ConfigResource, name: &str) -> Option<usize> {
    found.get(name)?.value.as_ref()?.parse().ok()
}
