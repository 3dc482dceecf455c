//! The sample application, and a broker with dead letters and a plan.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::app::commands::*;
use crate::app::model::tests::sample;
use crate::broker::memory::Memory;
use crate::broker::{Admin, Lag, PartLag, PlanItem, Position, Subscription};
use crate::broker::{BrokerErrorKind, Capabilities, ConnectionState, Consumer, DeadLetter, DeadLetterFilter, Provenance, Publishing};
use crate::message::{Envelope, Id, Metadata};

/// Has dead letters and a plan, whatever it is asked for.
#[derive(Debug, Default)]
struct Fake {
    plan: Vec<PlanItem>,
    made: Vec<PlanItem>,
    refuses: Option<BrokerErrorKind>,
    closed: Arc<AtomicUsize>,
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
        Box::pin(async {
            self.closed.fetch_add(1, Ordering::SeqCst);
        })
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

    fn apply<'a>(&'a self, _: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(async {
            let refused = |kind| Err(BrokerError::new(kind, "could not declare the queue `billing.orders`"));
            self.refuses.map_or_else(|| Ok(self.made.clone()), refused)
        })
    }

    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        Box::pin(async {
            let mut lag = Lag::none();
            (lag.waiting, lag.unsettled, lag.delayed) = (12, 3, 1);
            if subscription.order.is_some() {
                lag.parts = vec![PartLag::new("orders/0", 5, "1040"), PartLag::new("orders/1", 7, "")];
            }
            Ok(lag)
        })
    }

    fn seek<'a>(&'a self, subscription: &'a Subscription, position: &'a Position) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            match position {
                Position::At { part: Some(part), place } if part == "orders/0" && place == "1000" => Ok(()),
                Position::Beginning | Position::End | Position::Time(_) => Ok(()),
                _ => Err(BrokerError::new(BrokerErrorKind::Config, format!("could not move `{}` to {position}", subscription.name()))),
            }
        })
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
    pub(super) made: Vec<PlanItem>,
    /// What becomes of declaring, where not all is made.
    pub(super) refuses: Option<BrokerErrorKind>,
    /// How many connections were closed.
    pub(super) closed: Arc<AtomicUsize>,
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
                "fake" => {
                    let Self { plan, made, refuses, closed, .. } = self;
                    let fake = Fake { plan: plan.clone(), made: made.clone(), refuses: *refuses, closed: Arc::clone(closed) };
                    Ok(Arc::new(fake) as Arc<dyn Broker>)
                }
                "memory" => Ok(Arc::new(Memory::new()) as Arc<dyn Broker>),
                _ => Err(BrokerError::new(BrokerErrorKind::Connection, format!("could not connect to {}: refused", broker.shown_url()))),
            }
        })
    }

    fn run(self: Box<Self>, _: Config) -> BoxFuture<'static, Result<(), BoxError>> {
        Box::pin(async { Err(BrokerError::new(BrokerErrorKind::Connection, "could not connect").into()) })
    }
}
