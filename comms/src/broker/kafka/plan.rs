//! What declaring would do, and doing it.

use std::collections::HashMap;
use std::sync::Arc;

use super::declare::{self, topics, wanted};
use super::names::Names;
use super::orphans;
use super::outside::Outside;
use super::patience::patiently;
use super::shared::Shared;
use super::topics::{Wanted, blocking};
use crate::broker::{BrokerError, BrokerErrorKind, PlanItem, PlanStep, Subscription};

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
    items.extend(orphans::find(shared, subscriptions, &there).await?);
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
    let attempted = format!("look up the group `{name}`");
    // The coordinator of a broker that has just started is not there yet.
    let found = patiently(shared.config.publish_timeout, &attempted, || {
        let (shared, names) = (Arc::clone(shared), names.clone());
        blocking(move || Outside::of(&shared, &names.group)?.shards(&names))
    });
    let (step, detail) = match found.await? {
        None => (PlanStep::Create, String::new()),
        Some(shards) if shards == ours => (PlanStep::Keep, String::new()),
        Some(shards) => (PlanStep::Change, format!("declared with {shards} shards, now {ours} (0: without order)")),
    };
    Ok(PlanItem { step, kind: "group".to_owned(), name, detail })
}

/// Makes what is missing, unless something would have to change; returns what was made.
pub(super) async fn apply(shared: &Arc<Shared>, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
    let planned = plan(shared, subscriptions).await?;
    let differing: Vec<&PlanItem> = planned.iter().filter(|item| item.step == PlanStep::Change).collect();
    if !differing.is_empty() {
        return Err(differs(&differing));
    }
    for subscription in subscriptions.iter().filter(|subscription| !subscription.ephemeral) {
        let names = Names::new(subscription, &shared.config)?;
        let (attempted, within) = (format!("apply the topology of `{}`", names.group), shared.config.publish_timeout);
        let listened = patiently(within, &attempted, || topics(shared, subscription, &names)).await?;
        // A partition that was just made has no leader for a moment.
        patiently(within, &attempted, || {
            let (shared, subscription, names, listened) = (Arc::clone(shared), Arc::clone(subscription), names.clone(), listened.clone());
            blocking(move || declare::group(Outside::of(&shared, &names.group)?.client(), &subscription, &names, &listened))
        })
        .await?;
    }
    Ok(planned.into_iter().filter(|item| item.step == PlanStep::Create).collect())
}

fn differs(items: &[&PlanItem]) -> BrokerError {
    let items: Vec<String> = items.iter().map(|item| format!("the {} `{}`: {}", item.kind, item.name, item.detail)).collect();
    let message = format!(
        "could not apply the topology, and nothing was made, for what exists differs from what is declared: {}; declare it as it is, or choose another group",
        items.join("; ")
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}
