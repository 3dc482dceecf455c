//! A member of an ordered group: it owns some of the shards, and reads those.
//!
//! Whoever looks first shares what is new in the topics out to the streams of the shards; a script does both in one go, so that no two members
//! can get in each other's way. docs/adr/0008-redis.md says why.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::declare::declare_further;
use super::desk::Place;
use super::fields::{self, array, number, text};
use super::leave::{give_up, lapsed, leave};
use super::reader::{BLOCK, Reader};
use super::script::{PUMP, TAKE};
use super::session::{Session, count_topics, matching};
use crate::broker::{BrokerError, Shard};

/// How often the shards are shared out anew, and a pattern's topics are looked for.
const LOOK: Duration = Duration::from_millis(200);
/// How many messages one script shares out.
const SHARE: usize = 200;
/// When a shard holds so many, nothing more is shared out: the topic keeps it.
const BOUND: usize = 10_000;
/// How much a member takes over in one go.
const TAKEN: usize = 100;

/// The state of a member; one task has it.
pub(super) struct Ordered {
    session: Arc<Session>,
    topics: Vec<String>,
    /// How many topics there were when the member last looked.
    seen: i64,
    /// The owned shards and since which tenure; those that are being given up are in `giving` too.
    owned: BTreeMap<u16, u32>,
    giving: Vec<u16>,
    tenure: u32,
    /// Up to where each stream was seen.
    ids: watch::Sender<BTreeMap<String, String>>,
}

impl Ordered {
    /// Joins the group.
    pub(super) async fn join(
        session: Arc<Session>,
        before: Option<&str>,
        found: (usize, Vec<String>),
        tenure: u32,
    ) -> Result<Self, BrokerError> {
        let (seen, topics) = found;
        if let Some(before) = before {
            // Its lease ends now: its shards are free.
            session.reap(before, &[]).await?;
        }
        let (_, shards) = session.renew(true).await?.unwrap_or_default();
        let seen = i64::try_from(seen).unwrap_or(i64::MAX);
        let (ids, _) = watch::channel(BTreeMap::new());
        // Further sessions of this process begin above any tenure of this one.
        let mut ordered = Self { session, topics, seen, owned: BTreeMap::new(), giving: Vec::new(), tenure: tenure << 16, ids };
        for shard in shards {
            ordered.take(shard).await?;
        }
        Ok(ordered)
    }

    /// Reads until the broker is closed, the consumer dropped and everything settled, or the connection lost.
    pub(super) async fn run(mut self) {
        let session = Arc::clone(&self.session);
        let news = Notify::new();
        let ids = self.ids.subscribe();
        let result = tokio::select! {
            result = self.work(&news) => result,
            result = listen(&session, ids, &news) => result,
            () = session.bring_back_in_time() => Ok(()),
            () = session.write_in_time() => Ok(()),
        };
        match result {
            Err(error) if !session.shared.stopping.is_cancelled() => {
                tracing::warn!(%error, subscription = &*session.group.name, "consuming was interrupted; resuming");
                session.shared.link.suspect();
                session.desk.die();
            }
            _ => self.end().await,
        }
    }

    async fn end(&mut self) {
        let session = &self.session;
        let giving_up = async {
            session.flush().await?;
            for &shard in self.owned.keys() {
                give_up(session, shard, &session.desk.unseen(shard)).await?;
            }
            Ok::<(), BrokerError>(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(3), giving_up).await {
            tracing::debug!(%error, "could not give up the shards; the lease will run out");
        }
        leave(session, &[]).await;
    }

    async fn work(&mut self, news: &Notify) -> Result<(), BrokerError> {
        let session = Arc::clone(&self.session);
        let stopping = &session.shared.stopping;
        let mut next_look = Instant::now();
        loop {
            if stopping.is_cancelled() || session.desk.leaving() == Some(0) {
                return Ok(());
            }
            if Instant::now() >= next_look {
                self.look().await?;
                next_look = Instant::now() + LOOK;
            }
            self.give_up_drained().await?;
            let more = session.desk.leaving().is_none() && self.pump().await?;
            if more {
                continue;
            }
            tokio::select! {
                () = news.notified() => {}
                () = session.desk.changed.notified() => {}
                () = tokio::time::sleep_until(next_look) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// Renews the lease, takes shards that are free, begins to give up those that are too many, finds topics.
    async fn look(&mut self) -> Result<(), BrokerError> {
        let session = Arc::clone(&self.session);
        if !session.subscription.topic.is_literal() && count_topics(&session.shared).await? != self.seen {
            self.find_topics().await?;
        }
        let Some((excess, shards)) = session.renew(false).await? else { return Err(lapsed(&session)) };
        if session.desk.leaving().is_some() {
            return Ok(());
        }
        for &shard in &shards {
            if !self.owned.contains_key(&shard) {
                self.take(shard).await?;
            }
        }
        let too_many = usize::try_from(excess).unwrap_or(0).saturating_sub(self.giving.len());
        let giving: Vec<u16> = self.owned.keys().rev().filter(|shard| !self.giving.contains(shard)).take(too_many).copied().collect();
        for shard in giving {
            session.desk.drain(shard);
            self.giving.push(shard);
        }
        Ok(())
    }

    async fn find_topics(&mut self) -> Result<(), BrokerError> {
        let (count, topics) = matching(&self.session.shared, &self.session.subscription).await?;
        let new: Vec<String> = topics.into_iter().filter(|topic| !self.topics.contains(topic)).collect();
        if !new.is_empty() {
            declare_further(&self.session.shared, &self.session.group, &self.session.subscription, &new).await?;
            self.topics.extend(new);
        }
        self.seen = i64::try_from(count).unwrap_or(i64::MAX);
        Ok(())
    }

    fn place(&self, shard: u16) -> Place {
        Place { stream: self.session.group.shard(shard).into(), topic: None, shard: Some(shard) }
    }

    /// Takes over what the owners before left unsettled, in its order.
    async fn take(&mut self, index: u16) -> Result<(), BrokerError> {
        self.tenure += 1;
        self.owned.insert(index, self.tenure);
        let (place, shard) = (self.place(index), Shard { index, tenure: self.tenure });
        let attempted = format!("take over the shard {index} of `{}`", self.session.group.name);
        let keys = [&*place.stream, &self.session.group.owners];
        let mut behind = "-".to_owned();
        loop {
            let taken = TAKE.run(&self.session.shared.link, &attempted, &keys, |command| {
                command.arg(&*self.session.group.name).arg(&self.session.member).arg(index).arg(&behind).arg(TAKEN);
            });
            let mut answer = array(taken.await?).into_iter();
            let last = answer.next().and_then(text).unwrap_or_default();
            let entries = answer.filter_map(|entry| taken_over(entry, &place)).collect::<Vec<_>>();
            self.session.desk.fetched(&place, shard, entries);
            if last.is_empty() {
                return Ok(());
            }
            behind = format!("({last}");
        }
    }

    async fn give_up_drained(&mut self) -> Result<(), BrokerError> {
        if self.giving.is_empty() {
            return Ok(());
        }
        let session = Arc::clone(&self.session);
        let _turn = session.writing.lock().await;
        session.flush_in_turn().await?;
        for shard in std::mem::take(&mut self.giving) {
            match session.desk.drained(shard) {
                Some(unseen) => {
                    give_up(&session, shard, &unseen).await?;
                    self.owned.remove(&shard);
                    self.ids.send_modify(|ids| drop(ids.remove(&session.group.shard(shard))));
                }
                None => self.giving.push(shard),
            }
        }
        Ok(())
    }

    /// Shares out what is new and fetches what there is room for. True if there is more.
    async fn pump(&mut self) -> Result<bool, BrokerError> {
        let session = Arc::clone(&self.session);
        let shards: Vec<u16> = self.owned.keys().filter(|shard| !self.giving.contains(shard)).copied().collect();
        let room = session.desk.room();
        let fetch = if room == 0 { 0 } else { room.div_ceil(shards.len().max(1)) };
        let attempted = format!("read messages of `{}`", session.group.name);
        let streams: Vec<String> = self.topics.iter().map(|topic| session.shared.keys.topic(topic)).collect();
        let mut keys = vec![session.group.owners.as_str(), &session.group.base];
        keys.extend(streams.iter().map(String::as_str));
        let answer = PUMP.run(&session.shared.link, &attempted, &keys, |command| {
            command.arg(&*session.group.name).arg(&session.member).arg(session.shards()).arg(SHARE).arg(BOUND).arg(fetch);
            command.arg(self.topics.len()).arg(&self.topics).arg(&shards);
        });
        let mut parts = array(answer.await?).into_iter();
        let mut more = parts.next().is_some_and(|more| number(&more) == 1);
        let last_ids = array(parts.next().unwrap_or_default()).into_iter().filter_map(text);
        let mut ids: BTreeMap<String, String> = streams.into_iter().zip(last_ids).collect();
        for part in parts {
            let mut part = array(part).into_iter();
            let Some(index) = part.next().and_then(|index| u16::try_from(number(&index)).ok()) else { continue };
            let (last, entries) = (part.next().and_then(text).unwrap_or_default(), array(part.next().unwrap_or_default()));
            more |= fetch > 0 && entries.len() >= fetch;
            // Without room there is nothing to wake for.
            if fetch > 0 {
                ids.insert(session.group.shard(index), last);
            }
            let (place, shard) = (self.place(index), Shard { index, tenure: self.owned.get(&index).copied().unwrap_or(0) });
            let no_topic = Arc::from("");
            session.desk.fetched(&place, shard, entries.into_iter().filter_map(|entry| fields::read(entry, &no_topic)));
        }
        self.ids.send_if_modified(|known| {
            let is_new = *known != ids;
            *known = ids;
            is_new
        });
        Ok(more && session.desk.room() > 0)
    }
}

/// An entry with how often it was delivered: `[id, count, fields]`.
fn taken_over(value: Value, place: &Place) -> Option<fields::Entry> {
    let mut parts = array(value).into_iter();
    let (id, count, fields) = (parts.next()?, parts.next()?, parts.next()?);
    let mut entry = fields::read(Value::Array(vec![id, fields]), &Arc::clone(&place.stream))?;
    entry.redelivered = entry.redelivered.saturating_add(u32::try_from(number(&count)).unwrap_or(u32::MAX));
    Some(entry)
}

/// Wakes the member when there is something new in a topic or in one of its shards.
async fn listen(session: &Session, mut ids: watch::Receiver<BTreeMap<String, String>>, news: &Notify) -> Result<(), BrokerError> {
    let attempted = format!("wait for messages of `{}`", session.group.name);
    let mut reader = Reader::open(&session.shared).await?;
    loop {
        let current = ids.borrow_and_update().clone();
        if current.is_empty() {
            if ids.changed().await.is_err() {
                return Ok(());
            }
            continue;
        }
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(u64::try_from(BLOCK.as_millis()).unwrap_or(1000)).arg("STREAMS");
        for stream in current.keys() {
            command.arg(stream);
        }
        for id in current.values() {
            command.arg(id);
        }
        let mut changes = ids.clone();
        let same_streams = |new: &BTreeMap<String, String>| new.keys().eq(current.keys());
        let interrupted = async {
            // Another id is behind what this read waits for; another stream is not.
            let _ = changes.wait_for(|new| !same_streams(new)).await;
        };
        let answer = reader.read(&session.shared, &attempted, &command, interrupted).await?;
        if !array(answer).is_empty() {
            news.notify_one();
            // Until the member has looked, the same would be found again.
            tokio::select! {
                _ = ids.changed() => {}
                () = sleep(LOOK) => {}
            }
        }
    }
}
