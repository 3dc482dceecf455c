//! One membership of a group, from its beginning to the loss of its connection, and how its deliveries are settled.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, try_join_all};
use redis::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::desk::{Desk, Place, Unwritten};
use super::fields::{self, array, number, text};
use super::keys::GroupKeys;
use super::script::{DUE, MOVE, REAP, RELEASE, RENEW, SETTLE};
use super::shared::Shared;
use crate::broker::{BrokerError, DeadLetter, Settle, Subscription};
use crate::message::Envelope;

/// How long an acknowledgement waits for more.
const GATHER: Duration = Duration::from_millis(2);
/// How many ids go into one command.
const CHUNK: usize = 1000;
/// After so long somebody looks whether a message is due that another member sent to wait.
const LOOK: Duration = Duration::from_secs(1);

/// See the module's documentation.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) subscription: Arc<Subscription>,
    pub(super) group: GroupKeys,
    /// The name of this member; every session has another.
    pub(super) member: String,
    pub(super) desk: Arc<Desk>,
    /// A message was sent to wait.
    pub(super) delayed: Notify,
    /// Held by whoever writes out settlements or gives a shard up: one must not overtake the other.
    pub(super) writing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("group", &self.group.name).field("member", &self.member).finish()
    }
}

impl Session {
    pub(super) fn shards(&self) -> u16 {
        self.subscription.order.map_or(0, |order| order.shards.get())
    }

    /// Prolongs the lease; `None` when it had run out. Else how many shards this member has too many, and which it has.
    pub(super) async fn renew(&self, joins: bool) -> Result<Option<(i64, Vec<u16>)>, BrokerError> {
        let lease = u64::try_from(self.shared.config.lease.as_millis()).unwrap_or(u64::MAX);
        let attempted = format!("renew the lease of a member of `{}`", self.group.name);
        let keys = [self.group.members.as_str(), &self.group.owners];
        let answer = RENEW.run(&self.shared.link, &attempted, &keys, |command| {
            command.arg(&self.member).arg(lease).arg(self.shards()).arg(u8::from(joins));
        });
        let Value::Array(values) = answer.await? else { return Ok(None) };
        let mut numbers = values.iter().map(number);
        let excess = numbers.next().unwrap_or(0);
        Ok(Some((excess, numbers.filter_map(|shard| u16::try_from(shard).ok()).collect())))
    }

    /// Sends back what `gone` holds, or, when it is empty, what those hold whose leases have run out.
    pub(super) async fn reap(&self, gone: &str, places: &[Place]) -> Result<(), BrokerError> {
        let attempted = format!("look after the members of `{}`", self.group.name);
        let mut keys = vec![self.group.members.as_str(), &self.group.again];
        keys.extend(places.iter().map(|place| &*place.stream));
        loop {
            let answer = REAP.run(&self.shared.link, &attempted, &keys, |command| {
                command.arg(&*self.group.name).arg(&self.member).arg(gone);
                for place in places {
                    command.arg(place.topic.as_deref().unwrap_or_default());
                }
            });
            if number(&answer.await?) == 0 {
                return Ok(());
            }
        }
    }

    /// Brings back what is due; returns when to look again.
    async fn bring_back(&self) -> Result<Instant, BrokerError> {
        let attempted = format!("bring back what is due to `{}`", self.group.name);
        let next = number(&DUE.run(&self.shared.link, &attempted, &[&self.group.delayed], |_| {}).await?);
        let pause = u64::try_from(next).map_or(LOOK, |ms| Duration::from_millis(ms).min(LOOK));
        Ok(Instant::now() + pause)
    }

    /// Brings back what is due, for as long as the session goes on.
    pub(super) async fn bring_back_in_time(&self) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.delayed.notified() => {}
            }
            next = match self.bring_back().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::debug!(%error, "trying again");
                    Instant::now() + LOOK
                }
            };
        }
    }

    /// Writes out acknowledgements for as long as the session goes on, many at a time.
    pub(super) async fn write_in_time(&self) {
        loop {
            self.desk.dirty.notified().await;
            let _ = timeout(GATHER, self.desk.full.notified()).await;
            if let Err(error) = self.flush().await {
                tracing::debug!(%error, "could not write out acknowledgements; trying again");
                sleep(Duration::from_millis(100)).await;
                self.desk.dirty.notify_one();
            }
        }
    }

    /// Writes out what was settled and what was given back.
    pub(super) async fn flush(&self) -> Result<(), BrokerError> {
        let _turn = self.writing.lock().await;
        self.flush_in_turn().await
    }

    /// The same for one who has the turn. No place waits for the answer to another: what is handled and not written comes again if the
    /// connection is lost.
    pub(super) async fn flush_in_turn(&self) -> Result<(), BrokerError> {
        loop {
            let parts = self.desk.unwritten(CHUNK);
            if parts.is_empty() {
                return Ok(());
            }
            try_join_all(parts.into_iter().map(|(what, place, ids)| self.write(what, place, ids))).await?;
        }
    }

    async fn write(&self, what: Unwritten, place: Place, ids: Vec<String>) -> Result<(), BrokerError> {
        match what {
            Unwritten::Acks => self.write_acks(&place, &ids).await?,
            Unwritten::Returns => self.write_returns(&place, &ids).await?,
        }
        self.desk.written(what, &place, ids.len());
        Ok(())
    }

    async fn write_acks(&self, place: &Place, ids: &[String]) -> Result<(), BrokerError> {
        let attempted = format!("acknowledge messages of `{}`", self.group.name);
        if place.topic.is_some() {
            let command = redis::cmd("XACK").arg(&*place.stream).arg(&*self.group.name).arg(ids).to_owned();
            return self.shared.link.ask(&attempted, &command).await.map(drop);
        }
        let keys = [&*place.stream, &self.group.owners];
        let settled = SETTLE.run(&self.shared.link, &attempted, &keys, |command| {
            command.arg(&*self.group.name).arg(&self.member).arg(shard(place)).arg(ids);
        });
        settled.await.map(drop)
    }

    async fn write_returns(&self, place: &Place, ids: &[String]) -> Result<(), BrokerError> {
        let attempted = format!("give back messages of `{}`", self.group.name);
        let keys = [&*place.stream, &self.group.again];
        let released = RELEASE.run(&self.shared.link, &attempted, &keys, |command| {
            command.arg(&*self.group.name).arg(place.topic.as_deref().unwrap_or_default()).arg(ids);
        });
        released.await.map(drop)
    }

    /// Puts a copy somewhere and settles the original in one go; a lost connection is waited out.
    async fn move_on(&self, tag: u64, copy: Option<Copy<'_>>) -> Result<(), BrokerError> {
        let Some((place, id)) = self.desk.place(tag) else { return Ok(()) };
        let attempted = format!("settle a message of `{}`", self.group.name);
        // Where it came from, or, from the stream of a topic, where it comes to this group only.
        let again = if place.topic.is_some() { self.group.again.as_str() } else { &place.stream };
        // Without a copy the script looks at no target; a cluster wants the name of a key of the same slot all the same.
        let target = copy.as_ref().map_or(again, |copy| copy.target);
        let name = uuid::Uuid::now_v7().to_string();
        let keys = [&*place.stream, &self.group.owners, target, again];
        let moving = || {
            MOVE.run(&self.shared.link, &attempted, &keys, |command| {
                command.arg(&*self.group.name).arg(&self.member).arg(shard(&place)).arg(u8::from(place.topic.is_none())).arg(&id);
                let delay = copy.as_ref().and_then(|copy| copy.delay);
                command.arg(delay.map_or(-1, |delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))).arg(&name);
                if let Some(copy) = &copy {
                    fields::write_copy(command, copy.envelope, copy.provenance.as_deref());
                }
            })
        };
        self.shared.patiently(&attempted, moving).await?;
        self.desk.done(tag);
        Ok(())
    }

    async fn hold_back(&self, tag: u64, again: &Envelope, delay: Duration) -> Result<(), BrokerError> {
        let copy = Copy { target: &self.group.delayed, envelope: again, provenance: None, delay: Some(delay) };
        self.move_on(tag, Some(copy)).await?;
        self.delayed.notify_one();
        Ok(())
    }

    async fn bury(&self, tag: u64, letter: DeadLetter) -> Result<(), BrokerError> {
        let provenance = serde_json::to_string(&letter.provenance).unwrap_or_default();
        let copy = Copy { target: &self.group.dead, envelope: &letter.envelope, provenance: Some(provenance), delay: None };
        // An ephemeral subscription keeps none.
        self.move_on(tag, (!self.subscription.ephemeral).then_some(copy)).await
    }
}

/// What takes the place of a message.
struct Copy<'a> {
    target: &'a str,
    envelope: &'a Envelope,
    provenance: Option<String>,
    delay: Option<Duration>,
}

fn shard(place: &Place) -> String {
    place.shard.map(|shard| shard.to_string()).unwrap_or_default()
}

impl Settle for Session {
    fn ack(&self, tag: u64) {
        self.desk.ack(tag);
    }

    fn release(&self, tag: u64) {
        self.desk.release(tag);
    }

    fn retry(&self, tag: u64, again: Arc<Envelope>, delay: Duration) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move { self.hold_back(tag, &again, delay).await })
    }

    fn dead_letter(&self, tag: u64, letter: DeadLetter) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(self.bury(tag, letter))
    }
}

/// The topics of a list that the subscription is to.
pub(super) async fn matching(shared: &Shared, subscription: &Subscription) -> Result<(usize, Vec<String>), BrokerError> {
    let topics = super::topics::all_topics(&shared.link, &shared.keys).await?;
    let count = topics.len();
    Ok((count, topics.into_iter().filter(|topic| subscription.topic.matches(topic)).collect()))
}

/// How many topics there are.
pub(super) async fn count_topics(shared: &Shared) -> Result<i64, BrokerError> {
    Ok(number(&shared.link.ask("count topics", redis::cmd("ZCARD").arg(shared.keys.topics())).await?))
}

/// The first word of an answer, and the one behind it.
pub(super) fn words(answer: Value) -> (String, String) {
    let mut words = array(answer).into_iter().map(|value| text(value).unwrap_or_default());
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}
