//! How far a group is behind.

use std::collections::HashMap;
use std::sync::Arc;

use super::declare::listened;
use super::marks::Begin;
use super::names::Names;
use super::outside::{Outside, places, unknown_group};
use super::shared::Shared;
use super::state::Place;
use super::topics::blocking;
use crate::broker::{BrokerError, BrokerErrorKind, Lag, PartLag, Subscription};

/// The places of a subscription, and what the group left in each.
pub(super) struct Standing {
    pub(super) group: Outside,
    /// The partitions of what it listens to, and what was replayed.
    pub(super) parts: Vec<Place>,
    /// What waits for its next attempt.
    pub(super) rungs: Vec<Place>,
    pub(super) begins: HashMap<Place, Begin>,
}

/// Looks the group up; one that does not exist is an error.
pub(super) async fn standing(shared: &Arc<Shared>, subscription: &Subscription, attempted: &str) -> Result<Standing, BrokerError> {
    if shared.is_closed() {
        return Err(BrokerError::closed(attempted));
    }
    let names = Names::new(subscription, &shared.config)?;
    if subscription.ephemeral {
        let message =
            format!("could not {attempted}: the subscription `{}` is ephemeral, its group is nowhere but in its process", names.group);
        return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
    }
    let topics = shared.topics.list().await?;
    let there = |topic: &str| topics.get(topic).map(|&partitions| (topic.to_owned(), partitions));
    let mut heard: Vec<(String, usize)> =
        listened(&shared.config, subscription, &topics).iter().map(|(topic, n)| (topic.to_string(), *n)).collect();
    heard.sort();
    heard.extend(names.again.as_deref().and_then(there));
    let waiting: Vec<(String, usize)> = names.ladder.iter().filter_map(|rung| there(&rung.topic)).collect();
    let [parts, rungs] = [heard, waiting].map(|topics| places(topics.iter().map(|(topic, partitions)| (topic.as_str(), *partitions))));
    let (shared, attempted) = (Arc::clone(shared), attempted.to_owned());
    blocking(move || find(&shared, &names, parts, rungs, &attempted)).await
}

fn find(shared: &Shared, names: &Names, parts: Vec<Place>, rungs: Vec<Place>, attempted: &str) -> Result<Standing, BrokerError> {
    let group = Outside::of(shared, &names.group)?;
    let all: Vec<Place> = parts.iter().chain(&rungs).cloned().collect();
    let begins: HashMap<Place, Begin> = group.begins(&all)?.into_iter().filter_map(|(place, begin)| Some((place, begin?))).collect();
    if begins.is_empty() && group.shards(names)?.is_none() {
        return Err(unknown_group(attempted, &names.group));
    }
    Ok(Standing { group, parts, rungs, begins })
}

pub(super) async fn lag(shared: &Arc<Shared>, subscription: &Subscription) -> Result<Lag, BrokerError> {
    let standing = standing(shared, subscription, "tell how far a group is behind").await?;
    blocking(move || measure(&standing)).await
}

fn measure(standing: &Standing) -> Result<Lag, BrokerError> {
    let all: Vec<Place> = standing.parts.iter().chain(&standing.rungs).cloned().collect();
    let (starts, ends) = (standing.group.starts(&all)?, standing.group.ends(&all)?);
    let behind = |place: &Place| {
        let (start, end) = (starts.get(place).copied().unwrap_or(0), ends.get(place).copied().unwrap_or(0));
        behind(start, end, standing.begins.get(place))
    };
    let mut lag = Lag::none();
    for place in &standing.parts {
        let (waiting, position) = behind(place);
        lag.waiting += waiting;
        lag.parts.push(PartLag::new(part_name(place), waiting, position.to_string()));
    }
    lag.delayed = standing.rungs.iter().map(|place| behind(place).0).sum();
    Ok(lag)
}

/// How many messages the group has before it, and the offset that it reads on with.
fn behind(start: i64, end: i64, begin: Option<&Begin>) -> (u64, i64) {
    // What is gone by now, or not there any more, is not waited for: reading begins with the oldest then.
    let Some((offset, mark)) = begin.filter(|(offset, _)| (start..=end).contains(offset)) else {
        return (u64::try_from(end - start).unwrap_or(0), start);
    };
    let settled = i64::try_from(mark.settled.range(*offset..end.max(*offset)).count()).unwrap_or(i64::MAX);
    (u64::try_from(end - offset - settled).unwrap_or(0), *offset)
}

/// `orders/3`.
pub(super) fn part_name((topic, partition): &Place) -> String {
    format!("{topic}/{partition}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::kafka::marks::Mark;

    #[test]
    fn what_is_settled_behind_the_offset_is_not_waited_for() {
        let mark = |settled: &[i64]| Mark { settled: settled.iter().copied().collect(), ..Mark::default() };
        assert_eq!(behind(0, 10, Some(&(4, mark(&[6, 7])))), (4, 4));
        assert_eq!(behind(0, 10, Some(&(10, mark(&[])))), (0, 10));
        assert_eq!(behind(3, 10, None), (7, 3), "never committed: from the oldest");
        assert_eq!(behind(5, 10, Some(&(2, mark(&[])))), (5, 5), "retention was faster");
        assert_eq!(behind(0, 1, Some(&(9, mark(&[])))), (1, 0), "the topic is another one than before");
        assert_eq!(behind(0, 0, None), (0, 0));
    }
}
