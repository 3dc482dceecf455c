//! A subscription from its start to its drained end.

use std::fmt;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::AfterDeadLetter;
use super::dedup::DedupWindow;
use super::erased::empty_slot;
use super::intake::Intake;
use super::parked::ParkedKeys;
use super::plan::Plan;
use super::worker::Pipeline;
use crate::broker::BrokerError;

/// A subscription that is being worked on.
pub(crate) struct Runner {
    pipeline: Arc<Pipeline>,
    workers: JoinSet<()>,
}

impl Runner {
    /// Declares the subscription and starts its workers.
    ///
    /// # Errors
    /// When the broker refuses the subscription.
    pub(crate) async fn start(plan: Plan) -> Result<Self, BrokerError> {
        let consumer = plan.broker.subscribe(Arc::clone(&plan.subscription)).await?;
        let handled = plan.dedup.and_then(|window| plan.broker.handled(&plan.subscription, window));
        let pipeline = Arc::new(Pipeline {
            intake: Intake::new(consumer, plan.ordered(), plan.throttle.clone()),
            dedup: plan.dedup.filter(|_| handled.is_none()).map(DedupWindow::new),
            handled,
            parked: (plan.after == AfterDeadLetter::ParkKey).then(ParkedKeys::default),
            stopping: CancellationToken::new(),
            plan,
        });
        let mut workers = JoinSet::new();
        for worker in 0..pipeline.plan.workers {
            workers.spawn(Arc::clone(&pipeline).work(worker, empty_slot()));
        }
        Ok(Self { pipeline, workers })
    }

    /// Takes nothing more. What is in the hands of handlers goes on; what waits between two attempts goes back.
    pub(crate) fn stop_taking(&self) {
        self.pipeline.intake.close();
        self.pipeline.stopping.cancel();
    }

    /// Waits until every message in hand is settled.
    pub(crate) async fn drained(&mut self) {
        while self.workers.join_next().await.is_some() {}
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runner({})", self.pipeline.plan.subscription.name())
    }
}
