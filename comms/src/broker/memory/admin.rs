//! Dead letters, topology and groups of the memory broker, as operators see them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;

use super::Connection;
use super::group::Group;
use super::hub::{Hub, same_shape};
use crate::broker::{
    Admin, BrokerError, BrokerErrorKind, DeadLetter, DeadLetterFilter, Lag, PlanItem, PlanStep, Position, REPLAYED, Subscription,
};
use crate::message::Envelope;

impl Admin for Connection {
    fn dead_letters<'a>(
        &'a self,
        subscription: &'a Subscription,
        filter: &'a DeadLetterFilter,
    ) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>> {
        let letters = self.hub.group(subscription).map_or_else(Vec::new, |group| {
            let state = group.lock();
            state.letters.iter().filter(|letter| filter.selects(&letter.envelope)).take(limit(filter)).cloned().collect()
        });
        Box::pin(ready(Ok(letters)))
    }

    fn replay<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        let replayed = self.hub.group(subscription).map_or(0, |group| {
            let letters = take_letters(&group, filter);
            let count = letters.len();
            group.put_all(letters.into_iter().map(|letter| replayed(&letter.envelope)));
            count
        });
        Box::pin(ready(Ok(replayed)))
    }

    fn purge<'a>(&'a self, subscription: &'a Subscription, filter: &'a DeadLetterFilter) -> BoxFuture<'a, Result<usize, BrokerError>> {
        let purged = self.hub.group(subscription).map_or(0, |group| take_letters(&group, filter).len());
        Box::pin(ready(Ok(purged)))
    }

    fn plan<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(ready(Ok(plan(&self.hub, subscriptions))))
    }

    fn apply<'a>(&'a self, subscriptions: &'a [Arc<Subscription>]) -> BoxFuture<'a, Result<Vec<PlanItem>, BrokerError>> {
        Box::pin(ready(self.apply(subscriptions)))
    }

    fn lag<'a>(&'a self, subscription: &'a Subscription) -> BoxFuture<'a, Result<Lag, BrokerError>> {
        Box::pin(ready(self.existing("tell how far a group is behind", subscription).map(|group| group.lag())))
    }

    fn seek<'a>(&'a self, subscription: &'a Subscription, position: &'a Position) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(ready(self.seek(subscription, position)))
    }
}

impl Connection {
    fn apply(&self, subscriptions: &[Arc<Subscription>]) -> Result<Vec<PlanItem>, BrokerError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(BrokerError::closed("apply a topology"));
        }
        let made = self.hub.declare_all(subscriptions)?;
        Ok(made.iter().map(|group| item(PlanStep::Create, &group.name, "was made")).collect())
    }

    fn seek(&self, subscription: &Subscription, position: &Position) -> Result<(), BrokerError> {
        if self.hub.config.log == 0 {
            return Err(no_log(subscription));
        }
        let group = self.existing("move a group", subscription)?;
        match position {
            Position::Beginning => self.hub.rewind(&group, Some(Timestamp::MIN)),
            Position::End => self.hub.rewind(&group, None),
            Position::Time(time) => self.hub.rewind(&group, Some(*time)),
            Position::At { .. } => Err(no_places(subscription)),
        }
    }

    fn existing(&self, attempted: &str, subscription: &Subscription) -> Result<Arc<Group>, BrokerError> {
        self.hub.group(subscription).ok_or_else(|| {
            let name = subscription.name();
            let message = format!(
                "could not {attempted}: there is no group `{name}` on this broker; it is made when its service first starts, or by `topology apply`"
            );
            BrokerError::new(BrokerErrorKind::Topology, message)
        })
    }
}

fn no_log(subscription: &Subscription) -> BrokerError {
    BrokerError::new(
        BrokerErrorKind::Unsupported,
        format!(
            "could not move the group `{}`: this memory broker keeps no log; write `memory:?log=N` to keep the last N messages",
            subscription.name()
        ),
    )
}

fn no_places(subscription: &Subscription) -> BrokerError {
    BrokerError::new(
        BrokerErrorKind::Unsupported,
        format!(
            "could not move the group `{}` to a place: the memory broker has none; say the beginning, the end, or a time",
            subscription.name()
        ),
    )
}

fn limit(filter: &DeadLetterFilter) -> usize {
    filter.limit.unwrap_or(usize::MAX)
}

fn take_letters(group: &Group, filter: &DeadLetterFilter) -> Vec<DeadLetter> {
    let mut taken = Vec::new();
    let mut state = group.lock();
    let mut kept = VecDeque::with_capacity(state.letters.len());
    for letter in state.letters.drain(..) {
        if taken.len() < limit(filter) && filter.selects(&letter.envelope) {
            taken.push(letter);
        } else {
            kept.push_back(letter);
        }
    }
    state.letters = kept;
    taken
}

fn replayed(envelope: &Envelope) -> Arc<Envelope> {
    let mut again = envelope.clone();
    again.metadata.attempt = 0;
    again.metadata.extensions.insert(REPLAYED.to_owned(), "true".to_owned());
    Arc::new(again)
}

fn plan(hub: &Hub, subscriptions: &[Arc<Subscription>]) -> Vec<PlanItem> {
    let groups = hub.groups();
    let declared = subscriptions.iter().map(|subscription| {
        let name = subscription.name();
        let (step, detail) = match groups.iter().find(|group| group.name == name).map(|group| same_shape(group, subscription)) {
            None => (PlanStep::Create, "does not exist yet".to_owned()),
            Some(Ok(())) => (PlanStep::Keep, "as declared".to_owned()),
            Some(Err(error)) => (PlanStep::Change, error.to_string()),
        };
        item(step, &name, &detail)
    });
    let orphans = groups
        .iter()
        .filter(|group| !group.ephemeral && subscriptions.iter().all(|declared| declared.name() != group.name))
        .map(|group| item(PlanStep::Orphan, &group.name, "nothing declares it"));
    declared.chain(orphans).collect()
}

fn item(step: PlanStep, name: &str, detail: &str) -> PlanItem {
    PlanItem { step, kind: "group".to_owned(), name: name.to_owned(), detail: detail.to_owned() }
}
