//! Declaring a group, and finding the topics of a pattern.

use std::sync::Arc;

use super::desk::Place;
use super::keys::{GroupKeys, group_name};
use super::script::DECLARE;
use super::session::{matching, words};
use super::shared::Shared;
use crate::broker::{BrokerError, BrokerErrorKind, StartPosition, Subscription};

/// The names of what belongs to a subscription; an ephemeral one has names of its own.
pub(super) fn group_of(shared: &Shared, subscription: &Subscription) -> GroupKeys {
    match subscription.ephemeral {
        true => shared.keys.group(&format!("~{}:{}", uuid::Uuid::now_v7(), group_name(subscription))),
        false => shared.keys.group(&group_name(subscription)),
    }
}

/// Declares the group in the topics that there are, and returns them; and how many topics there were in all.
pub(super) async fn declare(shared: &Shared, group: &GroupKeys, subscription: &Subscription) -> Result<(usize, Vec<String>), BrokerError> {
    loop {
        let (count, topics, seen) = match subscription.topic.is_literal() {
            true => (0, vec![subscription.topic.as_str().to_owned()], -1),
            false => {
                let (count, topics) = matching(shared, subscription).await?;
                (count, topics, i64::try_from(count).unwrap_or(i64::MAX))
            }
        };
        let from = if subscription.from == StartPosition::Earliest { "0" } else { "$" };
        if declare_in(shared, group, subscription, from, seen, &topics).await? {
            topics.iter().for_each(|topic| shared.published.add(&topic.as_str().into()));
            return Ok((count, topics));
        }
    }
}

/// Declares the group in topics that came up after it was made.
pub(super) async fn declare_further(
    shared: &Shared,
    group: &GroupKeys,
    subscription: &Subscription,
    topics: &[String],
) -> Result<(), BrokerError> {
    topics.iter().for_each(|topic| shared.published.add(&topic.as_str().into()));
    declare_in(shared, group, subscription, "0", -1, topics).await.map(drop)
}

/// False when topics came up meanwhile.
async fn declare_in(
    shared: &Shared,
    group: &GroupKeys,
    subscription: &Subscription,
    from: &str,
    seen: i64,
    topics: &[String],
) -> Result<bool, BrokerError> {
    let attempted = format!("declare the group `{}`", group.name);
    let (groups, all) = (shared.keys.groups(), shared.keys.topics());
    let keys = [group.base.as_str(), &groups, &all];
    let shards = subscription.order.map_or(0, |order| order.shards.get());
    let answer = DECLARE.run(&shared.link, &attempted, &keys, |command| {
        command.arg(&*group.name).arg(shards).arg(from).arg(seen).arg(shared.keys.prefix()).arg(topics);
    });
    let (outcome, detail) = words(answer.await?);
    match outcome.as_str() {
        "differs" => Err(differs(&group.name, &detail, shards)),
        "again" => Ok(false),
        _ => Ok(true),
    }
}

fn differs(group: &str, found: &str, wanted: u16) -> BrokerError {
    let shown = |shards: &str| if shards == "0" { "without order".to_owned() } else { format!("with {shards} shards") };
    let message = format!(
        "the group `{group}` exists {} and is declared {}; that can't be changed in place: declare it as it is, or choose another group",
        shown(found),
        shown(&wanted.to_string())
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}

/// The streams that an unordered member reads: what comes again to the group, then the topics, the oldest first.
pub(super) fn places(shared: &Shared, group: &GroupKeys, topics: &[String]) -> Vec<Place> {
    let again = Place { stream: group.again.as_str().into(), topic: None, shard: None };
    let topics = topics.iter().map(|topic| topic_place(shared, topic));
    std::iter::once(again).chain(topics).collect()
}

pub(super) fn topic_place(shared: &Shared, topic: &str) -> Place {
    Place { stream: shared.keys.topic(topic).into(), topic: Some(Arc::from(topic)), shard: None }
}
