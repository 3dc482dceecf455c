//! Dead letters and topology of the memory broker.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};

use super::Connection;
use super::group::Group;
use super::hub::{Hub, same_shape};
use crate::broker::{Admin, BrokerError, DeadLetter, DeadLetterFilter, PlanItem, PlanStep, REPLAYED, Subscription};
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
        PlanItem { step, kind: "group".to_owned(), name, detail }
    });
    let orphans =
        groups.iter().filter(|group| !group.ephemeral && subscriptions.iter().all(|declared| declared.name() != group.name)).map(|group| {
            PlanItem {
                step: PlanStep::Orphan,
                kind: "group".to_owned(),
                name: group.name.clone(),
                detail: "nothing declares it".to_owned(),
            }
        });
    declared.chain(orphans).collect()
}
