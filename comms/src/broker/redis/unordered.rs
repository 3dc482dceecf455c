//! A member of an unordered group: it reads the topics' streams as a consumer of the group.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::declare::{declare_further, places, topic_place};
use super::desk::Place;
use super::fields::{self, Entry, array, text};
use super::pace::COURTESY;
use super::reader::{BLOCK, Reader};
use super::session::{Session, count_topics, matching};
use crate::broker::{BrokerError, Shard};

/// How soon a pattern's member hears of a new topic.
const LOOK: Duration = Duration::from_millis(100);

/// The streams of a member, as they become more.
pub(super) struct Unordered {
    session: Arc<Session>,
    reader: Reader,
    places: watch::Sender<Arc<Vec<Place>>>,
    /// How many topics there were when the member last looked.
    seen: i64,
    tenure: u32,
}

impl Unordered {
    /// Joins the group; takes over from the session before, and from members that are gone.
    pub(super) async fn join(
        session: Arc<Session>,
        before: Option<&str>,
        found: (usize, Vec<String>),
        tenure: u32,
    ) -> Result<Self, BrokerError> {
        let (seen, topics) = found;
        let places = places(&session.shared, &session.group, &topics);
        session.renew(true).await?;
        if let Some(before) = before {
            session.reap(before, &places).await?;
        }
        session.reap("", &places).await?;
        let reader = Reader::open(&session.shared).await?;
        let (places, _) = watch::channel(Arc::new(places));
        Ok(Self { session, reader, places, seen: i64::try_from(seen).unwrap_or(i64::MAX), tenure })
    }

    /// Reads until the broker is closed, the consumer dropped and everything settled, or the connection lost.
    pub(super) async fn run(self) {
        let Self { session, reader, places, seen, tenure } = self;
        let watching = places.subscribe();
        let reading = async {
            read(&session, reader, watching, tenure).await?;
            settle_the_rest(&session).await;
            Ok(())
        };
        let keeping = keep(&session, &places, seen);
        let result = tokio::select! {
            result = reading => result,
            result = keeping => result,
            () = session.bring_back_in_time() => Ok(()),
            () = session.write_in_time() => Ok(()),
        };
        let stopped = session.shared.stopping.is_cancelled();
        match result {
            Err(error) if !stopped => {
                tracing::warn!(%error, subscription = &*session.group.name, "consuming was interrupted; resuming");
                session.shared.link.suspect();
                session.desk.die();
            }
            _ => {
                let places = Arc::clone(&places.borrow());
                super::leave::leave(&session, &places).await;
            }
        }
    }
}

/// Until nobody holds a delivery any more, or the broker is closed.
async fn settle_the_rest(session: &Session) {
    let stopping = &session.shared.stopping;
    while session.desk.leaving().is_some_and(|out| out > 0) && !stopping.is_cancelled() {
        tokio::select! {
            () = session.desk.changed.notified() => {}
            () = stopping.cancelled() => {}
        }
    }
}

async fn read(session: &Session, mut reader: Reader, mut places: watch::Receiver<Arc<Vec<Place>>>, tenure: u32) -> Result<(), BrokerError> {
    let attempted = format!("read messages of `{}`", session.group.name);
    let stopping = &session.shared.stopping;
    let mut courteous = false;
    loop {
        if stopping.is_cancelled() || session.desk.leaving().is_some() {
            return Ok(());
        }
        let (demand, mut room) = (session.desk.demand(), session.desk.room());
        if demand > 0 {
            room = demand;
        } else if room > 0 && !courteous {
            // A member that has nothing to do gets it; what is there after that is fetched ahead.
            let _ = timeout(COURTESY, session.desk.changed.notified()).await;
            courteous = session.desk.demand() == 0;
            continue;
        }
        courteous = false;
        if room == 0 {
            tokio::select! {
                () = session.desk.changed.notified() => {}
                () = stopping.cancelled() => {}
            }
            continue;
        }
        let current = Arc::clone(&places.borrow_and_update());
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&*session.group.name).arg(&session.member);
        command.arg("COUNT").arg(room.div_ceil(current.len())).arg("BLOCK").arg(u64::try_from(BLOCK.as_millis()).unwrap_or(1000));
        command.arg("STREAMS");
        for place in current.iter() {
            command.arg(&*place.stream);
        }
        for _ in current.iter() {
            command.arg(">");
        }
        let interrupted = async {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = left(session) => {}
                _ = places.changed() => {}
            }
        };
        let answer = reader.read(&session.shared, &attempted, &command, interrupted).await?;
        take_up(session, answer, &current, tenure);
    }
}

async fn left(session: &Session) {
    while session.desk.leaving().is_none() {
        session.desk.changed.notified().await;
    }
}

/// What was read, in the order of publishing: over several topics that is known to the millisecond, and the topics' age decides
/// beyond that.
fn take_up(session: &Session, answer: Value, places: &[Place], tenure: u32) {
    let mut read: Vec<((u64, usize, u64), usize, Entry)> = Vec::new();
    for stream in array(answer) {
        let mut parts = array(stream).into_iter();
        let (Some(key), Some(entries)) = (parts.next().and_then(text), parts.next()) else { continue };
        let Some(rank) = places.iter().position(|place| *place.stream == *key) else { continue };
        let topic = places[rank].topic.clone().unwrap_or_else(|| "".into());
        for entry in array(entries).into_iter().filter_map(|entry| fields::read(entry, &topic)) {
            let (ms, sequence) = parse(&entry.id);
            let age = if rank == 0 { 0 } else { ms };
            read.push(((age, rank, if rank == 0 { read.len() as u64 } else { sequence }), rank, entry));
        }
    }
    if places.len() > 2 {
        read.sort_by_key(|(order, ..)| *order);
    }
    let shard = Shard { index: 0, tenure };
    for (_, rank, entry) in read {
        session.desk.fetched(&places[rank], shard, [entry]);
    }
}

/// The milliseconds and the number within them.
fn parse(id: &str) -> (u64, u64) {
    let (ms, sequence) = id.split_once('-').unwrap_or((id, "0"));
    (ms.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
}

/// Renews the lease, looks for topics that are new to the pattern, and after members that are gone. Ends with an error when the lease
/// has run out: others have what this member held.
async fn keep(session: &Session, places: &watch::Sender<Arc<Vec<Place>>>, mut seen: i64) -> Result<(), BrokerError> {
    let lease = session.shared.config.lease;
    let (mut next_renewal, mut next_reap) = (Instant::now() + lease / 4, Instant::now() + lease / 2);
    let is_pattern = !session.subscription.topic.is_literal();
    loop {
        let next_look = if is_pattern { Instant::now() + LOOK } else { next_renewal };
        sleep_until(next_look.min(next_renewal)).await;
        let result = async {
            if is_pattern {
                look(session, places, &mut seen).await?;
            }
            if Instant::now() >= next_renewal {
                if session.renew(false).await?.is_none() {
                    return Ok(false);
                }
                next_renewal = Instant::now() + lease / 4;
            }
            if Instant::now() >= next_reap {
                let current = Arc::clone(&places.borrow());
                session.reap("", &current).await?;
                next_reap = Instant::now() + lease / 2;
            }
            Ok::<bool, BrokerError>(true)
        };
        match result.await {
            Ok(true) => {}
            Ok(false) => return Err(super::leave::lapsed(session)),
            Err(error) => {
                tracing::debug!(%error, "trying again");
                sleep(LOOK).await;
            }
        }
    }
}

async fn look(session: &Session, places: &watch::Sender<Arc<Vec<Place>>>, seen: &mut i64) -> Result<(), BrokerError> {
    if count_topics(&session.shared).await? == *seen {
        return Ok(());
    }
    let (count, topics) = matching(&session.shared, &session.subscription).await?;
    let current = Arc::clone(&places.borrow());
    let is_new = |topic: &String| !current.iter().any(|place| place.topic.as_deref() == Some(topic.as_str()));
    let new: Vec<String> = topics.into_iter().filter(is_new).collect();
    if !new.is_empty() {
        declare_further(&session.shared, &session.group, &session.subscription, &new).await?;
        let mut more = (*current).clone();
        more.extend(new.iter().map(|topic| topic_place(&session.shared, topic)));
        places.send_replace(Arc::new(more));
    }
    *seen = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(())
}
