//! What declaring would do, and doing it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::declare::{declare, group_of};
use super::fields::{array, number, text};
use super::keys::group_name;
use super::lanes::Lanes;
use super::shared::Shared;
use crate::broker::{BrokerError, BrokerErrorKind, PlanItem, PlanStep, Subscription};

pub(super) async fn plan(lanes: &Lanes, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
    let mut items = Vec::new();
    let kept: Vec<&Subscription> =
        subscriptions.iter().map(|subscription| &**subscription).filter(|subscription| !subscription.ephemeral).collect();
    let topics: BTreeSet<&str> = kept.iter().filter(|kept| kept.topic.is_literal()).map(|kept| kept.topic.as_str()).collect();
    for topic in topics {
        items.push(plan_topic(&lanes.of_topic(topic), topic).await?);
    }
    for subscription in &kept {
        items.push(plan_group(&*lanes.of(subscription)?, subscription).await?);
    }
    for shared in lanes.of_all(&kept)? {
        items.extend(orphans(&shared, &kept).await?);
    }
    Ok(items)
}

/// Declares what is missing, unless something differs: then nothing is made.
pub(super) async fn apply(lanes: &Lanes, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
    let items = plan(lanes, subscriptions).await?;
    if let Some(item) = items.iter().find(|item| item.step == PlanStep::Change) {
        let message = format!("could not apply the topology: the {} `{}` differs: {}", item.kind, item.name, item.detail);
        return Err(BrokerError::new(BrokerErrorKind::Topology, message));
    }
    let made: Vec<PlanItem> = items.into_iter().filter(|item| item.step == PlanStep::Create).collect();
    if !made.is_empty() {
        for subscription in subscriptions.iter().filter(|subscription| !subscription.ephemeral) {
            let shared = lanes.of(subscription)?;
            declare(&shared, &group_of(&shared, subscription), subscription).await?;
        }
    }
    Ok(made)
}

async fn plan_topic(shared: &Shared, topic: &str) -> Result<PlanItem, BrokerError> {
    let name = shared.keys.topic(topic);
    let there = number(&shared.link.ask("look for a topic", redis::cmd("EXISTS").arg(&name)).await?) > 0;
    let (step, detail) = if there { (PlanStep::Keep, "it exists") } else { (PlanStep::Create, "it does not exist yet") };
    Ok(PlanItem { step, kind: "stream".to_owned(), name, detail: detail.to_owned() })
}

async fn plan_group(shared: &Shared, subscription: &Subscription) -> Result<PlanItem, BrokerError> {
    let name = group_name(subscription);
    let group = shared.keys.group(&name);
    let found = shared.link.ask("look for a group", redis::cmd("HGET").arg(&group.base).arg("shards")).await?;
    let wanted = subscription.order.map_or(0, |order| order.shards.get()).to_string();
    let (step, detail) = match text(found) {
        None => (PlanStep::Create, "it does not exist yet".to_owned()),
        Some(found) if found == wanted => (PlanStep::Keep, "it exists as declared".to_owned()),
        Some(found) => (
            PlanStep::Change,
            format!("it has {found} shards and is declared with {wanted} (0: without order); that can't be changed in place"),
        ),
    };
    Ok(PlanItem { step, kind: "group".to_owned(), name, detail })
}

/// Groups of a declared name that no subscription declares: they keep what nobody will settle.
async fn orphans(shared: &Shared, kept: &[&Subscription]) -> Result<Vec<PlanItem>, BrokerError> {
    let groups = shared.link.ask("list groups", redis::cmd("SMEMBERS").arg(shared.keys.groups())).await?;
    let declared: BTreeSet<String> = kept.iter().map(|subscription| group_name(subscription)).collect();
    let is_ours =
        |name: &String| kept.iter().any(|subscription| name.split_once(':').is_some_and(|(group, _)| group == subscription.group));
    let mut orphans: Vec<String> =
        array(groups).into_iter().filter_map(text).filter(|name| is_ours(name) && !declared.contains(name)).collect();
    orphans.sort();
    let detail =
        "nothing declares it, and its topics keep what it has not settled: XGROUP DESTROY it there, and SREM it from the list of groups";
    Ok(orphans
        .into_iter()
        .map(|name| PlanItem { step: PlanStep::Orphan, kind: "group".to_owned(), name, detail: detail.to_owned() })
        .collect())
}
