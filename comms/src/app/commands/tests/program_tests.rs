//! The sample application, and a broker with dead letters and a plan.

use crate::app::commands::*;
use crate::app::model::tests::sample;
use crate::broker::memory::Memory;
use crate::broker::{Admin, PlanItem, Subscription};
use crate::broker::{BrokerErrorKind, Capabilities, ConnectionState, Consumer, DeadLetter, DeadLetterFilter, Provenance, Publishing};
use crate::message::{Envelope, Id, Metadata};

/// Has dead letters and a plan, whatever it is asked for.
#[derive(Debug, Default)]
struct Fake {
    plan: Vec<PlanItem>,
}

impl Broker for Fake {
    fn scheme(&self) -> &'static str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }

    fn publish(&self, _: Arc<Envelope>) -> Publishing<'_> {
        Publishing::done(crate::broker::Confirm::ready(Err(BrokerError::closed("publish"))))
    }

    fn subscribe(&self, _: Arc<Subscription>) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async { Err(BrokerError::closed("subscribe")) })
    }

    fn admin(&self) -> &dyn Admin {
        self
    }

    fn state(&self) -> ConnectionState {
        ConnectionState::Connected
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

impl Admin for Fake {
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        Box::pin(async move {
            let letter = letter(subscription);
            Ok(if subscription.group == "billing" && filter.selects(&letter.envelope) { vec![letter] } else { Vec::new() })
        })
    }

    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        Box::pin(async move { Ok(self.dead_letters(subscription, filter).await?.len()) })
    }

    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        self.replay(subscription, filter)
    }

    fn plan<'a>(&'a self, _: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(async { Ok(self.plan.clone()) })
    }
}

fn letter(subscription: &Subscription) -> DeadLetter {
    let mut metadata = Metadata::new("orders.order-placed", "orders".into());
    metadata.id = Id::parse("m-1");
    metadata.key = Some("o-1".into());
    let provenance: Provenance = serde_json::from_value(serde_json::json!({
        "topic": "orders", "group": subscription.group, "service": "billing", "handler": "on_order_placed", "reason": "failed",
        "class": "retryable", "errors": ["no such customer", "row 7"], "attempts": 9,
        "first_seen": "2026-01-01T00:00:00Z", "given_up": "2026-01-01T00:05:00.5Z"
    }))
    .unwrap();
    DeadLetter::new(Arc::new(Envelope::new("orders".into(), metadata, "{\"total\":7}".into())), provenance)
}

/// The sample application; a broker `fake://` answers as [`Fake`], `down://` can't be reached.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) problems: Vec<String>,
    pub(super) plan: Vec<PlanItem>,
}

impl Program for Sample {
    fn model(&self, _: &Config) -> AppModel {
        sample()
    }

    fn check(&self, _: &Config) -> Vec<String> {
        self.problems.clone()
    }

    fn connect<'a>(&'a self, _: &'a str, broker: &'a BrokerConfig) -> BoxFuture<'a, Result<Arc<dyn Broker>, BrokerError>> {
        Box::pin(async {
            match broker.scheme() {
                "fake" => Ok(Arc::new(Fake { plan: self.plan.clone() }) as Arc<dyn Broker>),
                "memory" => Ok(Arc::new(Memory::new()) as Arc<dyn Broker>),
                _ => Err(BrokerError::new(BrokerErrorKind::Connection, format!("could not connect to {}: refused", broker.shown_url()))),
            }
        })
    }

    fn run(self: Box<Self>, _: Config) -> BoxFuture<'static, Result<(), BoxError>> {
        Box::pin(async { Err(BrokerError::new(BrokerErrorKind::Connection, "could not connect").into()) })
    }
}
