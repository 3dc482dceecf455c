//! What is on the brokers from declarations of before.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rdkafka::consumer::Consumer;

use super::config::KafkaConfig;
use super::error::broker_error;
use super::names::Names;
use super::outside::text;
use super::shared::Shared;
use super::topics::{ANSWER, blocking};
use crate::broker::{BrokerError, PlanItem, PlanStep, Subscription};
use crate::broker::{TopicPattern, validate_topic};

const NOBODY_READS: &str = "nothing declares it, and nobody reads what it holds: look at it, then kafka-topics.sh --delete --topic";

const NOBODY_JOINS: &str = "nothing declares it, so nobody handles what is published for it: once no other service has it, kafka-consumer-groups.sh --delete --group";

/// Groups and topics of the declared groups' names that no subscription has. Those of other groups are other services' own.
pub(super) async fn find(
    shared: &Arc<Shared>,
    subscriptions: &[Arc<Subscription>],
    topics: &HashMap<String, usize>,
) -> Result<Vec<PlanItem>, BrokerError> {
    let ours = Ours::new(&shared.config, subscriptions)?;
    if ours.begins.is_empty() {
        return Ok(Vec::new());
    }
    let groups = groups(shared).await?;
    let groups: BTreeSet<&String> = groups.iter().filter(|group| ours.lost_group(group)).collect();
    let topics: BTreeSet<&String> = topics.keys().filter(|topic| ours.lost_topic(topic)).collect();
    let item = |kind: &str, name: &String, what: &str| PlanItem {
        step: PlanStep::Orphan,
        kind: kind.to_owned(),
        name: name.clone(),
        detail: format!("{what} {name}"),
    };
    let groups = groups.into_iter().map(|name| item("group", name, NOBODY_JOINS));
    Ok(groups.chain(topics.into_iter().map(|name| item("topic", name, NOBODY_READS))).collect())
}

/// The names of all groups of the cluster.
async fn groups(shared: &Arc<Shared>) -> Result<Vec<String>, BrokerError> {
    let lookup = Arc::clone(&shared.topics.lookup);
    blocking(move || {
        let found = lookup.fetch_group_list(None, ANSWER).map_err(|error| broker_error("list the groups", &error))?;
        Ok(found.groups().iter().map(|group| text(|| group.name().to_owned())).collect())
    })
    .await
}

/// What the subscriptions have.
#[derive(Debug)]
struct Ours {
    /// How names of the declared groups begin: with the group and a dot.
    begins: BTreeSet<String>,
    groups: BTreeSet<String>,
    topics: BTreeSet<String>,
}

impl Ours {
    fn new(config: &KafkaConfig, subscriptions: &[Arc<Subscription>]) -> Result<Self, BrokerError> {
        let mut ours = Self { begins: BTreeSet::new(), groups: BTreeSet::new(), topics: BTreeSet::new() };
        for subscription in subscriptions.iter().filter(|subscription| !subscription.ephemeral) {
            let names = Names::new(subscription, config)?;
            ours.begins.insert(format!("{}{}.", config.prefix, subscription.group));
            ours.topics.extend(names.own_topics().map(str::to_owned));
            ours.groups.insert(names.group);
        }
        Ok(ours)
    }

    /// What stands behind the name of one of the groups.
    fn behind<'a>(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.begins.iter().filter_map(move |begin| name.strip_prefix(begin.as_str()))
    }

    /// `group.topic`, and no longer declared.
    fn lost_group(&self, name: &str) -> bool {
        !self.groups.contains(name) && self.behind(name).any(|topic| topic.parse::<TopicPattern>().is_ok())
    }

    /// `group.topic.DLQ` and its like: also a rung that the ladder no longer has.
    fn lost_topic(&self, name: &str) -> bool {
        !self.topics.contains(name) && self.behind(name).any(is_own_topic)
    }
}

/// Whether a subscription would call a topic of its own so, behind its group.
fn is_own_topic(name: &str) -> bool {
    let Some((topic, kind)) = name.rsplit_once('.') else { return false };
    let is_kind = matches!(kind, "DLQ" | "AGAIN") || kind.strip_prefix("RETRY-").is_some_and(|delay| !delay.is_empty());
    is_kind && validate_topic(&topic.replace("ANY", "any").replace("ALL", "all")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orphan_has_the_name_of_a_declared_group_and_no_declaration() {
        let config = KafkaConfig { prefix: "dev.".to_owned(), ..KafkaConfig::default() };
        let declared = |topic: &str| Arc::new(Subscription::new(topic.parse().unwrap(), "billing"));
        let ours = Ours::new(&config, &[declared("orders"), declared("shop.*")]).unwrap();
        for group in ["dev.billing.invoices", "dev.billing.shop.#"] {
            assert!(ours.lost_group(group), "{group}");
        }
        for group in ["dev.billing.orders", "dev.billing.shop.*", "billing.invoices", "dev.audit.orders", "dev.billing", "dev.billing.Tool"]
        {
            assert!(!ours.lost_group(group), "{group}");
        }
        for topic in ["dev.billing.invoices.DLQ", "dev.billing.invoices.AGAIN", "dev.billing.orders.RETRY-7s", "dev.billing.eu.ALL.DLQ"] {
            assert!(ours.lost_topic(topic), "{topic}");
        }
        for topic in [
            "dev.billing.orders.DLQ",
            "dev.billing.orders.RETRY-1s",
            "dev.billing.shop.ANY.AGAIN",
            "dev.audit.orders.DLQ",
            "dev.billing.orders",
            "orders",
        ] {
            assert!(!ours.lost_topic(topic), "{topic}");
        }
    }
}
