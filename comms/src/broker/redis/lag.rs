//! How far a group is behind.

use redis::Value;

use super::fields::{array, number, text};
use super::keys::group_name;
use super::script::{COUNT, LAG};
use super::session::matching;
use super::shared::Shared;
use crate::broker::{BrokerError, BrokerErrorKind, Lag, PartLag, Subscription};

/// How a group stands in one stream.
struct Standing {
    /// How many nobody has; `None` when the server lost count, as it does behind entries that were deleted.
    waiting: Option<u64>,
    held: u64,
    position: String,
    last: String,
}

/// Asks for all at one moment: a message on its way from a topic to its shard is counted once.
pub(super) async fn lag(shared: &Shared, subscription: &Subscription) -> Result<Lag, BrokerError> {
    let name = kept_name(subscription)?;
    let group = shared.keys.group(&name);
    let topics = topics_of(shared, subscription).await?.1;
    let attempted = format!("tell how far the group `{name}` is behind");
    let streams: Vec<String> = topics.iter().map(|topic| shared.keys.topic(topic)).collect();
    let mut keys = vec![group.base.as_str(), &group.delayed];
    keys.extend(streams.iter().map(String::as_str));
    let answer = LAG.run(&shared.link, &attempted, &keys, |command| {
        command.arg(&name);
    });
    let Value::Array(answer) = answer.await? else { return Err(no_group(&name)) };
    let mut answer = answer.into_iter();
    let mut lag = Lag::none();
    lag.delayed = answer.next().map_or(0, |delayed| count(&delayed));
    for (index, standing) in answer.map(Standing::read).enumerate() {
        let own = index.checked_sub(topics.len());
        let stream = match (own, subscription.order) {
            (None, _) => streams[index].clone(),
            (Some(_), None) => group.again.clone(),
            (Some(shard), Some(_)) => group.shard(u16::try_from(shard).unwrap_or(u16::MAX)),
        };
        let waiting = standing.count(shared, &attempted, &stream).await?;
        lag.waiting += waiting;
        lag.unsettled += standing.held;
        lag.parts.extend(match (own, subscription.order) {
            (None, _) => Some(PartLag::new(&topics[index], waiting, standing.position)),
            // Their ids are no places of the topic.
            (Some(shard), Some(_)) => Some(PartLag::new(format!("shard {shard}"), waiting, "")),
            (Some(_), None) => (waiting > 0).then(|| PartLag::new("again", waiting, "")),
        });
    }
    Ok(lag)
}

impl Standing {
    fn read(value: Value) -> Self {
        let mut parts = array(value).into_iter();
        let mut next = || parts.next().unwrap_or(Value::Nil);
        let (waiting, held) = (u64::try_from(number(&next())).ok(), count(&next()));
        let mut id = || text(next()).unwrap_or_default();
        Self { waiting, held, position: id(), last: id() }
    }

    async fn count(&self, shared: &Shared, attempted: &str, stream: &str) -> Result<u64, BrokerError> {
        if let Some(waiting) = self.waiting {
            return Ok(waiting);
        }
        let (mut total, mut behind) = (0, self.position.clone());
        loop {
            let counted = COUNT
                .run(&shared.link, attempted, &[stream], |command| {
                    command.arg(&behind).arg(&self.last);
                })
                .await?;
            let mut answer = array(counted).into_iter();
            let found = answer.next().map_or(0, |found| count(&found));
            if found == 0 {
                return Ok(total);
            }
            total += found;
            behind = answer.next().and_then(text).unwrap_or_else(|| self.last.clone());
        }
    }
}

fn count(value: &Value) -> u64 {
    u64::try_from(number(value)).unwrap_or(0)
}

/// How many topics there are, as far as that matters, and those of the subscription.
pub(super) async fn topics_of(shared: &Shared, subscription: &Subscription) -> Result<(i64, Vec<String>), BrokerError> {
    if subscription.topic.is_literal() {
        return Ok((-1, vec![subscription.topic.as_str().to_owned()]));
    }
    let (count, topics) = matching(shared, subscription).await?;
    Ok((i64::try_from(count).unwrap_or(i64::MAX), topics))
}

/// What the group is called; those of ephemeral subscriptions have names that only their connections know.
pub(super) fn kept_name(subscription: &Subscription) -> Result<String, BrokerError> {
    if subscription.ephemeral {
        let message = format!("the subscription `{}` is ephemeral: its group is its connection's alone", subscription.name());
        return Err(BrokerError::new(BrokerErrorKind::Unsupported, message));
    }
    Ok(group_name(subscription))
}

pub(super) fn no_group(name: &str) -> BrokerError {
    let message = format!(
        "the group `{name}` does not exist in this database of Redis: start its service once, or run `topology apply`; `prefix` and the number of the database in the URL must be the service's"
    );
    BrokerError::new(BrokerErrorKind::Topology, message)
}
