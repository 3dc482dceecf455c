//! Which topics this process has to do with: they are to be trimmed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::connection::Link;
use super::fields::{array, number, text};
use super::keys::Keys;
use super::script::{FORGET, TRIM};
use crate::broker::BrokerError;

/// How often the topics are trimmed.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many removals, of a hundred each, a topic may take up in a row.
const ROUNDS: usize = 100;

/// Topics that were published or subscribed to here.
#[derive(Debug, Default)]
pub(super) struct Published(Mutex<BTreeSet<Arc<str>>>);

impl Published {
    pub(super) fn add(&self, topic: &Arc<str>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(topic));
    }

    fn all(&self) -> Vec<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Removes what is settled and not kept for replays, and groups that were to end with a process that crashed.
pub(super) async fn keep_house(link: Arc<Link>, keys: Keys, retain: u64, published: Arc<Published>, stopping: CancellationToken) {
    let work = async {
        loop {
            sleep(INTERVAL).await;
            if let Err(error) = clean(&link, &keys, retain, &published).await {
                tracing::debug!(%error, "could not trim topics; trying again later");
            }
        }
    };
    stopping.run_until_cancelled(work).await;
}

async fn clean(link: &Link, keys: &Keys, retain: u64, published: &Published) -> Result<(), BrokerError> {
    for topic in published.all() {
        trim(link, &keys.topic(&topic), retain).await?;
    }
    let groups = link.ask("list groups", redis::cmd("SMEMBERS").arg(keys.groups())).await?;
    for group in array(groups).into_iter().filter_map(text).filter(|group| group.starts_with('~')) {
        forget(link, keys, &group, "").await?;
    }
    Ok(())
}

async fn trim(link: &Link, stream: &str, retain: u64) -> Result<(), BrokerError> {
    for _ in 0..ROUNDS {
        let removed = TRIM
            .run(link, "trim a topic", &[stream], |command| {
                command.arg(retain);
            })
            .await?;
        if number(&removed) == 0 {
            break;
        }
    }
    Ok(())
}

/// Ends an ephemeral group unless it has another member than the one that leaves.
pub(super) async fn forget(link: &Link, keys: &Keys, group: &str, leaving: &str) -> Result<(), BrokerError> {
    let own = keys.group(group);
    let topics: Vec<String> = all_topics(link, keys).await?.iter().map(|topic| keys.topic(topic)).collect();
    let groups = keys.groups();
    let mut names = vec![groups.as_str(), &own.members, &own.base];
    names.extend(topics.iter().map(String::as_str));
    FORGET
        .run(link, "end an ephemeral group", &names, |command| {
            command.arg(group).arg(leaving);
        })
        .await
        .map(drop)
}

/// All topics that anybody was told of, the oldest first.
pub(super) async fn all_topics(link: &Link, keys: &Keys) -> Result<Vec<String>, BrokerError> {
    let topics = link.ask("list topics", redis::cmd("ZRANGE").arg(keys.topics()).arg(0).arg(-1)).await?;
    Ok(array(topics).into_iter().filter_map(text).collect())
}
