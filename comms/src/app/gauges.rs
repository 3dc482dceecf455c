//! What is looked at now and then, and not counted: connections, and how far groups are behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Tasks;
use super::health::{Health, Matters};
use crate::broker::{Broker, BrokerError, BrokerErrorKind, ConnectionState, Lag, Subscription};
use crate::error::chain_text;
use crate::handler::Counters;
use crate::handler::plan::Plan;
use crate::metrics::{LagSnapshot, Metrics, SubscriptionName};
use crate::publisher::Brokers;

/// A broker that says nothing for so long is asked again at the next turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many subscriptions are asked for at once.
const AT_ONCE: usize = 4;

/// The metrics of an application, and what they need to look at.
#[derive(Debug)]
pub(super) struct Gauges {
    pub(super) metrics: Metrics,
    pub(super) counters: BTreeMap<String, Arc<Counters>>,
    watched: Vec<Watched>,
}

/// A subscription whose broker is asked how far it is behind.
#[derive(Clone, Debug)]
struct Watched {
    name: SubscriptionName,
    subscription: Arc<Subscription>,
    /// Whoever looks does not keep the broker.
    broker: Weak<dyn Broker>,
}

impl Gauges {
    /// Enters the subscriptions and brokers into the metrics.
    pub(super) fn of(metrics: Metrics, plans: &[Plan], brokers: &Brokers) -> Self {
        for (name, broker) in brokers.iter() {
            let system = broker.scheme();
            let broker = Arc::downgrade(broker);
            metrics.broker(name, system, move || match broker.upgrade() {
                Some(broker) => (broker.state() == ConnectionState::Connected, broker.clients()),
                None => (false, Vec::new()),
            });
        }
        let watched: Vec<Watched> = plans.iter().map(|plan| Watched::of(plan, brokers)).collect();
        for (watched, plan) in watched.iter().zip(plans) {
            metrics.subscribed(watched.name.clone(), Arc::clone(&plan.counters));
        }
        let counters = plans.iter().map(|plan| (plan.subscription.name(), Arc::clone(&plan.counters))).collect();
        Self { metrics, counters, watched }
    }

    /// Asks for the lag at each turn of the interval, the first time now.
    pub(super) fn watch(&self, interval: Duration, tasks: &Tasks) {
        if interval.is_zero() || self.watched.is_empty() {
            return;
        }
        let watch = Watch { metrics: self.metrics.clone(), health: tasks.health().clone(), patience: PATIENCE.min(interval) };
        let watched = self.watched.clone();
        tasks.spawn(move |stopping| watch.run(watched, interval, stopping));
    }
}

impl Watched {
    fn of(plan: &Plan, brokers: &Brokers) -> Self {
        let broker = brokers.iter().find(|(_, broker)| Arc::ptr_eq(broker, &plan.broker)).map_or("", |(name, _)| name);
        let name = SubscriptionName {
            group: plan.subscription.group.clone(),
            topic: plan.subscription.topic.to_string(),
            service: plan.service.to_owned(),
            broker: broker.to_owned(),
            system: plan.broker.scheme(),
        };
        Self { name, subscription: Arc::clone(&plan.subscription), broker: Arc::downgrade(&plan.broker) }
    }
}

/// The task that asks.
struct Watch {
    metrics: Metrics,
    health: Health,
    patience: Duration,
}

impl Watch {
    async fn run(self, mut watched: Vec<Watched>, interval: Duration, stopping: CancellationToken) {
        while !watched.is_empty() {
            let asked = stream::iter(watched).map(|one| self.ask(one)).buffer_unordered(AT_ONCE).filter_map(std::future::ready);
            let Some(able) = stopping.run_until_cancelled(asked.collect()).await else { return };
            watched = able;
            if stopping.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
                return;
            }
        }
    }

    /// Asks for one, and tells. Returns it, unless asking again is of no use.
    async fn ask(&self, watched: Watched) -> Option<Watched> {
        let broker = watched.broker.upgrade()?;
        let answer = tokio::time::timeout(self.patience, broker.admin().lag(&watched.subscription)).await;
        let answer = answer.unwrap_or_else(|_| Err(no_answer(self.patience)));
        if let Err(error) = &answer
            && error.kind() == BrokerErrorKind::Unsupported
        {
            tracing::debug!(subscription = watched.subscription.name(), %error, "the broker does not tell how far the group is behind");
            return None;
        }
        self.tell(&watched, answer);
        Some(watched)
    }

    fn tell(&self, Watched { name, subscription, .. }: &Watched, answer: Result<Lag, BrokerError>) {
        let component = self.health.component(format!("lag {}", subscription.name()), Matters::Nothing);
        match answer {
            Ok(lag) => {
                component.tell(format!("{} waiting, {} unsettled, {} delayed", lag.waiting, lag.unsettled, lag.delayed));
                component.up();
                self.metrics.lag(name, Some(snapshot(lag)));
            }
            Err(error) => {
                component.tell("unknown");
                component.degraded(chain_text(&error).join(": "));
                self.metrics.lag(name, None);
            }
        }
    }
}

fn no_answer(patience: Duration) -> BrokerError {
    BrokerError::new(BrokerErrorKind::Connection, format!("could not tell how far the group is behind: no answer within {patience:?}"))
}

fn snapshot(lag: Lag) -> LagSnapshot {
    let parts = lag.parts.into_iter().map(|part| (part.part, part.waiting)).collect();
    LagSnapshot { asked: Timestamp::now(), waiting: lag.waiting, unsettled: lag.unsettled, delayed: lag.delayed, parts }
}
