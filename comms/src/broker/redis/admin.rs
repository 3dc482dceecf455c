//! Dead letters and topology, for operators.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use redis::Value;

use super::Redis;
use super::fields::{self, Entry, array, number};
use super::keys::{GroupKeys, group_name};
use super::script::REPLAY;
use super::shared::Shared;
use super::{lag, plan, seek};
use crate::broker::subscription::shard_of;
use crate::broker::{
    Admin, BrokerError, BrokerErrorKind, DeadLetter, DeadLetterFilter, Lag, PlanItem, Position, Provenance, REPLAYED, Subscription,
};
use crate::error::Class;
use crate::message::Envelope;

/// How many letters are read at once.
const PAGE: usize = 100;

/// The dead letters of a subscription, a page after the other.
struct Letters<'a> {
    shared: Arc<Shared>,
    group: GroupKeys,
    subscription: &'a Subscription,
    filter: &'a DeadLetterFilter,
    behind: String,
    page: std::vec::IntoIter<Value>,
    selected: usize,
}

impl<'a> Letters<'a> {
    fn of(broker: &'a Redis, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> Result<Self, BrokerError> {
        if subscription.ephemeral {
            let message = format!("the subscription `{}` is ephemeral: it keeps no dead letters", subscription.name());
            return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
        }
        let shared = broker.lanes.of(subscription)?;
        let group = shared.keys.group(&group_name(subscription));
        Ok(Self { shared, group, subscription, filter, behind: "-".to_owned(), page: Vec::new().into_iter(), selected: 0 })
    }

    /// The next letter that the filter selects, and its id.
    async fn next(&mut self) -> Result<Option<(String, DeadLetter)>, BrokerError> {
        while self.filter.limit.is_none_or(|limit| self.selected < limit) {
            let Some(value) = self.page.next() else {
                self.read().await?;
                if self.page.len() == 0 {
                    break;
                }
                continue;
            };
            let Some(entry) = fields::read(value, &self.subscription.topic.as_str().into()) else { continue };
            self.behind = format!("({}", entry.id);
            if self.filter.selects(&entry.envelope) {
                self.selected += 1;
                return Ok(Some(self.letter(entry)));
            }
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<(), BrokerError> {
        let attempted = format!("read the dead letters of `{}`", self.group.name);
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.group.dead).arg(&self.behind).arg("+").arg("COUNT").arg(PAGE);
        self.page = array(self.shared.link.ask(&attempted, &command).await?).into_iter();
        Ok(())
    }

    fn letter(&self, entry: Entry) -> (String, DeadLetter) {
        let written = entry.provenance.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let provenance = written.unwrap_or_else(|| self.unknown(&entry.envelope));
        (entry.id, DeadLetter::new(entry.envelope, provenance))
    }

    /// Of what somebody else put there.
    fn unknown(&self, envelope: &Envelope) -> Provenance {
        Provenance {
            topic: envelope.topic.to_string(),
            group: self.subscription.group.clone(),
            service: String::new(),
            handler: String::new(),
            reason: "failed".to_owned(),
            class: Class::Unknown,
            errors: Vec::new(),
            attempts: envelope.metadata.attempt,
            first_seen: envelope.metadata.time.unwrap_or(Timestamp::UNIX_EPOCH),
            given_up: Timestamp::now(),
        }
    }

    /// Sends a letter back; false when somebody else did.
    async fn replay(&self, id: &str, letter: &DeadLetter) -> Result<bool, BrokerError> {
        let mut envelope = (*letter.envelope).clone();
        envelope.metadata.attempt = 0;
        envelope.metadata.extensions.insert(REPLAYED.to_owned(), "true".to_owned());
        let shard = self.subscription.order.map(|order| envelope.metadata.key.as_deref().map_or(0, |key| shard_of(key, order.shards)));
        let target = self.group.entry(shard);
        let attempted = format!("replay a dead letter of `{}`", self.group.name);
        let keys = [self.group.dead.as_str(), &target];
        let answer = REPLAY.run(&self.shared.link, &attempted, &keys, |command| {
            fields::write_copy(command.arg(id), &envelope, None);
        });
        Ok(number(&answer.await?) == 1)
    }

    async fn destroy(&self, id: &str) -> Result<bool, BrokerError> {
        let attempted = format!("destroy a dead letter of `{}`", self.group.name);
        let command = redis::cmd("XDEL").arg(&self.group.dead).arg(id).to_owned();
        Ok(number(&self.shared.link.ask(&attempted, &command).await?) == 1)
    }
}

impl Admin for Redis {
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        Box::pin(async move {
            let mut letters = Letters::of(self, subscription, filter)?;
            let mut found = Vec::new();
            while let Some((_, letter)) = letters.next().await? {
                found.push(letter);
            }
            Ok(found)
        })
    }

    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        Box::pin(async move {
            let (mut letters, mut count) = (Letters::of(self, subscription, filter)?, 0);
            while let Some((id, letter)) = letters.next().await? {
                count += usize::from(letters.replay(&id, &letter).await?);
            }
            Ok(count)
        })
    }

    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        Box::pin(async move {
            let (mut letters, mut count) = (Letters::of(self, subscription, filter)?, 0);
            while let Some((id, _)) = letters.next().await? {
                count += usize::from(letters.destroy(&id).await?);
            }
            Ok(count)
        })
    }

    fn plan<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(plan::plan(&self.lanes, subscriptions))
    }

    fn apply<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(plan::apply(&self.lanes, subscriptions))
    }

    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        Box::pin(async move { lag::lag(&*self.lanes.of(subscription)?, subscription).await })
    }

    fn seek<'a>(&'a self, subscription: &'a Subscription, position: &'a Position) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move { seek::seek(&*self.lanes.of(subscription)?, subscription, position).await })
    }
}
