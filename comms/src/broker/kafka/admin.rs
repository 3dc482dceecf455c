//! What an operator asks of a Kafka cluster.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::letters::Letter;
use super::names::Names;
use super::{Kafka, copies, lag, letters, plan, seek};
use crate::broker::{Admin, BrokerError, DeadLetter, DeadLetterFilter, Lag, PlanItem, Position, Subscription};

impl Kafka {
    /// The dead letters that the filter selects, and what the topics of their subscription are called.
    async fn letters(&self, subscription: &Subscription, filter: &DeadLetterFilter) -> Result<(Names, Vec<Letter>), BrokerError> {
        let names = Names::new(subscription, &self.shared.config)?;
        let letters = letters::read(&self.shared, subscription, &names, filter).await?;
        Ok((names, letters))
    }
}

impl Admin for Kafka {
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        Box::pin(async move {
            let (_, letters) = self.letters(subscription, filter).await?;
            Ok(letters.into_iter().map(|letter| letter.letter).collect())
        })
    }

    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        Box::pin(async move {
            let (names, letters) = self.letters(subscription, filter).await?;
            let count = letters.len();
            for letter in letters {
                copies::replay(&self.shared, &names, &letter.letter.envelope, letter.foreign.as_ref()).await?;
                copies::take_off(&self.shared, &names, letter.key).await?;
            }
            Ok(count)
        })
    }

    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        Box::pin(async move {
            let (names, letters) = self.letters(subscription, filter).await?;
            let count = letters.len();
            for letter in letters {
                copies::take_off(&self.shared, &names, letter.key).await?;
            }
            Ok(count)
        })
    }

    fn plan<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(plan::plan(&self.shared, subscriptions))
    }

    fn apply<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(plan::apply(&self.shared, subscriptions))
    }

    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        Box::pin(lag::lag(&self.shared, subscription))
    }

    fn seek<'a>(&'a self, subscription: &'a Subscription, position: &'a Position) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(seek::seek(&self.shared, subscription, position))
    }
}
