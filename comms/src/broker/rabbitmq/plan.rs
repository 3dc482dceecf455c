//! What declaring would do.
//!
//! AMQP can't list queues, nor tell an object's arguments: what exists is asked for by a passive
//! declaration, and compared by declaring it as ours, which changes nothing when it exists. Orphans
//! stay unknown; docs/known-limits-rabbitmq.md says so.

use std::sync::Arc;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, ExchangeKind};

use super::error::{broker_error, code_of};
use super::foreign;
use super::queues::Queue;
use super::route::Route;
use super::shared::{Shared, create_channel};
use super::topology::{Exchange, Topology, declare_exchange, declare_queue, short};
use crate::broker::{BrokerError, BrokerErrorKind, PlanItem, PlanStep, Subscription};

pub(super) async fn plan(shared: &Shared, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
    let mut items = Vec::new();
    for subscription in subscriptions.iter().filter(|subscription| !subscription.ephemeral) {
        let topology = Topology::new(&shared.config, subscription)?;
        for exchange in topology.exchanges() {
            if !items.iter().any(|item: &PlanItem| item.name == exchange.name) {
                items.push(plan_exchange(shared, &exchange).await?);
            }
        }
        if let Some(route) = topology.route.as_ref().filter(|route| !items.iter().any(|item: &PlanItem| item.name == route.exchange)) {
            items.push(plan_foreign(shared, route).await?);
        }
        for queue in topology.queues.iter().chain(&topology.dead_letters) {
            items.push(plan_queue(shared, queue).await?);
        }
    }
    Ok(items)
}

/// Declares what the plan would create. AMQP can't do several things at once, so what differs is looked for first; bindings are declared
/// in any case, since nobody can see whether they are there.
pub(super) async fn apply(shared: &Shared, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
    let planned = plan(shared, subscriptions).await?;
    let differing: Vec<&str> = planned.iter().filter(|item| item.step == PlanStep::Change).map(|item| item.detail.as_str()).collect();
    if !differing.is_empty() {
        let message = format!("could not apply the topology, and made nothing: {}", differing.join("; "));
        return Err(BrokerError::new(BrokerErrorKind::Topology, message));
    }
    for subscription in subscriptions.iter().filter(|subscription| !subscription.ephemeral) {
        let topology = Topology::new(&shared.config, subscription)?;
        let channel = open(shared).await?;
        topology.declare(&channel).await?;
        let _ = channel.close(200, "done".into()).await;
    }
    Ok(planned.into_iter().filter(|item| item.step == PlanStep::Create).collect())
}

async fn plan_exchange(shared: &Shared, exchange: &Exchange) -> Result<PlanItem, BrokerError> {
    let (step, detail) = match exists(shared, async |channel| passive_exchange(channel, &exchange.name, &exchange.kind).await).await? {
        true => {
            compare(shared, async |channel| {
                declare_exchange(channel, &exchange.name, exchange.kind.clone(), exchange.arguments.clone()).await
            })
            .await?
        }
        false => (PlanStep::Create, format!("durable {:?}", exchange.kind).to_lowercase()),
    };
    Ok(PlanItem { step, kind: "exchange".to_owned(), name: exchange.name.clone(), detail })
}

/// Made at the start of whoever uses it, so it is there.
async fn plan_foreign(shared: &Shared, route: &Route) -> Result<PlanItem, BrokerError> {
    foreign::ensure(&*shared.publishing.up().await?, route).await?;
    let detail = format!("not ours: {route}");
    Ok(PlanItem { step: PlanStep::Keep, kind: "exchange".to_owned(), name: route.exchange.clone(), detail })
}

async fn plan_queue(shared: &Shared, queue: &Queue) -> Result<PlanItem, BrokerError> {
    let (step, detail) = match exists(shared, async |channel| passive_queue(channel, &queue.name).await).await? {
        true => compare(shared, async |channel| declare_queue(channel, queue).await).await?,
        false => (PlanStep::Create, "durable".to_owned()),
    };
    Ok(PlanItem { step, kind: "queue".to_owned(), name: queue.name.clone(), detail })
}

async fn exists(shared: &Shared, ask: impl AsyncFnOnce(&Channel) -> lapin::Result<()>) -> Result<bool, BrokerError> {
    let channel = open(shared).await?;
    match ask(&channel).await {
        Ok(()) => {
            let _ = channel.close(200, "done".into()).await;
            Ok(true)
        }
        // The server closes the channel with its answer.
        Err(error) if code_of(&error) == Some(404) => Ok(false),
        Err(error) => Err(broker_error("look up what exists", &error)),
    }
}

async fn compare(
    shared: &Shared,
    declare: impl AsyncFnOnce(&Channel) -> Result<(), BrokerError>,
) -> Result<(PlanStep, String), BrokerError> {
    let channel = open(shared).await?;
    let compared = match declare(&channel).await {
        Ok(()) => Ok((PlanStep::Keep, String::new())),
        Err(error) if error.kind() == BrokerErrorKind::Topology => Ok((PlanStep::Change, error.to_string())),
        Err(error) => Err(error),
    };
    let _ = channel.close(200, "done".into()).await;
    compared
}

async fn open(shared: &Shared) -> Result<Channel, BrokerError> {
    let connection = shared.publishing.up().await?;
    create_channel(&connection, "plan the topology").await
}

async fn passive_exchange(channel: &Channel, name: &str, kind: &ExchangeKind) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(short(name).unwrap_or_default(), kind.clone(), options, FieldTable::default()).await
}

async fn passive_queue(channel: &Channel, name: &str) -> lapin::Result<()> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(short(name).unwrap_or_default(), options, FieldTable::default()).await.map(|_| ())
}
