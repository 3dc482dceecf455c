//! What declaring would do.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::BaseConsumer;

use super::client::{self, Asking};
use super::config::config_error;
use super::declare::{declared_shards, wanted};
use super::names::Names;
use super::shared::Shared;
use super::topics::{Wanted, blocking};
use crate::broker::{BrokerError, PlanItem, PlanStep, Subscription};

pub(super) async fn plan(shared: &Arc<Shared>, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
    if shared.is_closed() {
        return Err(BrokerError::closed("plan the topology"));
    }
    let there = shared.topics.list().await?;
    let mut items: Vec<PlanItem> = Vec::new();
    for subscription in subscriptions.iter().filter(|subscription| !subscription.ephemeral) {
        let names = Names::new(subscription, &shared.config)?;
        for wanted in wanted(shared, subscription, &names) {
            if !items.iter().any(|item| item.name == wanted.name) {
                items.push(plan_topic(&wanted, &there));
            }
        }
        items.push(plan_group(shared, subscription, names).await?);
    }
    Ok(items)
}

/// A topic of messages may have another number of partitions: whoever made it chose it.
fn plan_topic(wanted: &Wanted, there: &HashMap<String, usize>) -> PlanItem {
    let (step, detail) = match there.get(&wanted.name) {
        Some(partitions) => (PlanStep::Keep, format!("{partitions} partitions")),
        None => (PlanStep::Create, format!("{} partitions", wanted.partitions)),
    };
    PlanItem { step, kind: "topic".to_owned(), name: wanted.name.clone(), detail }
}

async fn plan_group(shared: &Arc<Shared>, subscription: &Subscription, names: Names) -> Result<PlanItem, BrokerError> {
    let name = names.group.clone();
    let ours = subscription.order.map_or(0, |order| order.shards.get());
    let shared = Arc::clone(shared);
    let found = blocking(move || {
        let mut client = client::consumer(&shared.config, &shared.service, &names.group);
        client.remove("group.instance.id");
        let asking: Result<BaseConsumer<Asking>, _> = BaseConsumer::from_config_and_context(&client, Asking(Arc::clone(&shared.health)));
        let asking = asking.map_err(|error| config_error(format!("could not make a Kafka consumer: {error}")))?;
        declared_shards(&asking, &names)
    });
    let (step, detail) = match found.await? {
        None => (PlanStep::Create, String::new()),
        Some(shards) if shards == ours => (PlanStep::Keep, String::new()),
        Some(shards) => (PlanStep::Change, format!("declared with {shards} shards, now {ours} (0: without order)")),
    };
    Ok(PlanItem { step, kind: "group".to_owned(), name, detail })
}
